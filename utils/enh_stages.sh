# shellcheck shell=bash
# Sourced by utils/recipe.sh for the enh recipes: stages 2 to 6, for one seed after the other, so that the first has its
# table before the next is trained. Runs for different seeds may share a work folder at the same time.
#
# run.sh sets: config (enhancers to train), shelf (enhancers that need no training: names of files in utils/conf/enh),
# data (its data directories), experiments (folder); perhaps variant, train_set, test_sets, quality_sets (those of them
# with parallel clean speech), metric, primary. Enhanced speech is in EXPERIMENT/enhance_SET, that of the shelf in
# NAME_once.

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=noisy # the noisy speech as it is
train_set=train
test_sets=test_seen,test_unseen
quality_sets=test_seen,test_unseen
variant=
metric=pesq,stoi,si_snr
primary=each

# for_each_enhancer FUNCTION: calls FUNCTION NAME ENDING OPTIONS... for each enhancer of a seed. Its folder in
# $experiments is NAME and ENDING joined; OPTIONS are those by which nrsr enhance finds it.
for_each_enhancer() {
  local one name
  for one in $shelf; do
    "$1" "$one" "${variant}_once" --config "$NRSR_ROOT/utils/conf/enh/$one.yaml"
  done
  for one in $config; do
    name=$(basename "$one" .yaml)${tag:+-$tag}
    "$1" "$name" "${variant}_seed$seeds" --exp "$experiments/$name${variant}_seed$seeds"
  done
}

enhance_sets() { # FOLDER SETS OPTIONS...
  run_jobs.sh --max-jobs "$nj" "SET=$2" "$1/log/enhance_{SET}.log" \
    nrsr enhance "${@:3}" --data "$data/{SET}" --out "$1/enhance_{SET}"
}

enhance() { # NAME ENDING OPTIONS...
  once "$experiments/$1$2/.done/enhance" enhance_sets "$experiments/$1$2" "$test_sets" "${@:3}"
}

score_quality() { # INPUT FOLDER: scores the sets INPUT{SET}
  run_jobs.sh --max-jobs "$nj" "SET=$quality_sets" "$2/log/score_{SET}.log" \
    nrsr score-se --data "$data/{SET}" --estimates "$1{SET}" --out "$2/enhance_{SET}/score"
}

score() { # NAME ENDING
  local folder=$experiments/$1$2 input
  if [ "$1" = "$baseline" ]; then input=$data/; else input=$folder/enhance_; fi
  once "$folder/.done/score" score_quality "$input" "$folder"
}

stages_of_seed() {
  if in_stages 2 "statistics (seed $seeds)"; then for_each statistics; fi
  if in_stages 4 "training (seed $seeds)"; then for_each train; fi
  if in_stages 5 "enhancement (seed $seeds)"; then for_each_enhancer enhance; fi
  if in_stages 6 "scoring and report (seed $seeds)"; then
    score "$baseline" "${variant}_once"
    for_each_enhancer score
    report
  fi
}

enh_stages() {
  local seed
  for seed in $seeds; do
    seeds=$seed stages_of_seed
  done
}
