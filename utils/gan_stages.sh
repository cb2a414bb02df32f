# shellcheck shell=bash
# Sourced by utils/recipe.sh for the gan recipes: stages 2 to 6, for each config and seed of the run.
#
# run.sh sets: config (one or more YAML files), data (its data directories), experiments (folder), count (utterances to
# generate by each system); perhaps classifier and noise (YAML files of the classifier and of white noise), train_set,
# dev_set, real_set (recordings that no system is trained on).

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=wavegan
metric=inception,frechet
primary=all
test_sets=words # the generated ones
criteria=diversity,distance,gamma,fake_accuracy
classifier=conf/classifier.yaml
noise=conf/white_noise.yaml
train_set=train
dev_set=dev
real_set='test'
variant=
splits=10 # of the inception score

# At the tiny size a few steps show that everything works.
train_options() {
  if [ "${size:-}" = tiny ]; then printf '%s\n' --set=training.steps=4 --set=training.validate_steps=2; fi
}

train_classifier() {
  local options=()
  if [ "${size:-}" = tiny ]; then options=(--set=training.epochs=2 --set=system.network.width=4); fi
  nrsr train --config "$classifier" --seed 1 --train "$data/$train_set" --dev "$data/$dev_set" \
    --exp "$experiments/classifier" "${options[@]}"
}

generate() { # CONFIG SEED EXPERIMENT
  once "$3/.done/generate" nrsr generate --exp "$3" --count "$count" --seed "$2" --out "$3/generate_words"
}

score_set() { # DATA SPLITS EXPERIMENT
  nrsr score-gen --classifier "$experiments/classifier" --data "$1" --train "$data/$train_set" \
    --held-out "$data/$dev_set" --splits "$2" --out "$3/generate_words/score"
}

score() { # CONFIG SEED EXPERIMENT
  once "$3/.done/score" score_set "$3/generate_words" "$splits" "$3"
}

# A set of real recordings, in splits of about the size that generated ones have: the score grows with it.
score_real() { # SET
  local recordings
  recordings=$(wc -l < "$data/$1/wav.scp")
  score_set "$data/$1" $(((recordings * splits + count - 1) / count)) "$experiments/real_$1_once"
}

# The bounds of the table: recordings that were trained on, others, and noise.
bounds() {
  local set
  for set in "$train_set" "$real_set"; do
    once "$experiments/real_${set}_once/.done/score" score_real "$set"
  done
  score - - "$experiments/white_noise_once"
}

gan_stages() {
  keep_options 5 "$experiments" count
  keep_options 6 "$experiments" count # the bounds of the table take it as well
  if in_stages 2 "statistics"; then for_each statistics; fi
  if in_stages 4 "training"; then
    once "$experiments/classifier/.done/train" train_classifier
    for_each train
  fi
  if in_stages 5 "generation"; then
    once "$experiments/white_noise_once/.done/generate" nrsr generate --config "$noise" --count "$count" \
      --out "$experiments/white_noise_once/generate_words"
    for_each generate
  fi
  if in_stages 6 "scoring and report"; then
    bounds
    for_each score
    report
  fi
}
