# shellcheck shell=bash
# Sourced by utils/recipe.sh for the ser recipes: stages 1 to 6, for each config and seed of the run.
#
# run.sh sets: masked (config of the encoder's first training, without labels; may be empty), teacher (config of the
# classifier of clean speech), config (systems to train on noisy speech and compare with it), data (its data
# directories), experiments (folder); perhaps variant, size, ssl (file with the weights of a public encoder, in place of
# that first training), ssl_model (its name), ssl_levels (its layers that students learn, in ascending order; the
# teacher classifies by the last of them), ssl_layers (depth of students).
#
# The encoder is first trained on clean speech without labels, once for all seeds, as a public one would be. Systems
# whose names begin with "teacher" begin with it, or with the public encoder. All others are students: they begin with
# the first layers of the teacher, as many as they have. Where distil_NAME.yaml is beside NAME.yaml, it is trained
# first, on the teacher's layers for clean speech, which are computed once (TEACHER/layers_2-3-4); NAME begins with its
# encoder.

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

snrs=-5,0,5,10,15,20
test_copies=6 # each test utterance at each SNR: few utterances at each would differ in what is said, and how
train_set=train
test_sets=test_clean,test_seen,test_unseen
baseline=student,last,multi,teacher_noisy
metric=ua,wa
primary=each
over_speakers=true
confusion=true
with_figure=true
variant=
size=${size:-full}
ssl=${ssl:-}
ssl_model=${ssl_model:-wav2vec2_base}
ssl_levels=${ssl_levels:-4,8,12}
ssl_layers=${ssl_layers:-2}
levels=2,3,4 # of the small teacher

# What systems are trained and chosen on; no test set may share its speakers or noise recordings.
seen_in_training() {
  echo "$data/train_clean,$data/dev_clean,$data/noise_train,$data/noise_dev"
}

check_apart() { # SET
  nrsr validate-data --apart-from "$(seen_in_training)" "$data/$1"
}

mix_and_check() {
  local set
  mix_sets
  for set in ${test_sets//,/ }; do
    once "$data/.done/apart_$set" check_apart "$set"
  done
}

name_of() { # CONFIG
  basename "$1" .yaml
}

teacher_of() { # SEED
  echo "$experiments/$(name_of "$teacher")${tag:+-$tag}${variant}_seed$1"
}

# The experiment in which a student learns the teacher's layers; no scored system, so it has a folder of its own.
distilled_of() { # CONFIG SEED
  echo "$experiments/distil/$(name_of "$1")${tag:+-$tag}${variant}_seed$2"
}

# Whether the encoder is trained here without labels.
trains_encoder() {
  [ -n "$masked" ] && [ -z "$ssl" ]
}

# The experiment of that training.
masked_encoder() {
  echo "$experiments/masked/$(name_of "$masked")$variant"
}

distil_config() { # CONFIG
  echo "$(dirname "$1")/distil_$(name_of "$1").yaml"
}

layers_to_learn() {
  if [ -n "$ssl" ]; then echo "$ssl_levels"; else echo "$levels"; fi
}

# The folder of the teacher's layers, which is another one for other layers.
stored_layers() { # TEACHER
  local learned
  learned=$(layers_to_learn)
  echo "$1/layers_${learned//,/-}"
}

# The options of nrsr train that put the public encoder in the place of the small one. The classifier has 256 hidden
# values. A first training has DistilHuBERT's optimiser; fine-tuning to emotions, of teachers and students alike, has a
# lower rate (ours), but for a frozen encoder (teacher_raw), on which the classifier alone is trained.
ssl_options() { # CONFIG
  local encoder="class: nrsr.nn.SslFeatures, model: $ssl_model" wanted=$ssl_levels
  if [ -z "$ssl" ]; then return; fi
  echo --set=system.network.width=256
  case $(name_of "$1") in
    distil_*)
      echo "--set=optimiser={class: torch.optim.AdamW, lr: 2e-4, betas: [0.9, 0.98], eps: 1e-6, weight_decay: 1e-6}" ;;
    teacher_raw) ;;
    *) echo --set=optimiser.lr=2e-5 ;;
  esac
  case $(name_of "$1") in
    teacher*)
      printf '%s\n' "--set=system.features={$encoder, layer: ${ssl_levels##*,}}" \
        "--set=init={features.network: {from: $ssl}}" ;;
    *)
      echo "--set=system.features={$encoder, layer: last, sizes: {layers: $ssl_layers}, convolution_gradient: 0.1}"
      case $(name_of "$1") in
        student) return ;; # learns no layers
        *last) wanted=${ssl_levels##*,} ;;
      esac
      echo "--set=system.levels=[$wanted]" ;;
  esac
}

# A student begins with the teacher's encoder, up to its own last layer.
first_layers() { # TEACHER
  echo "--set=init={features.network: {from: $1, first_layers: true}}"
}

train_options() { # CONFIG SEED
  local init source
  if [ "$1" = "$masked" ]; then
    if [ "$size" = tiny ]; then printf '%s\n' --set=training.steps=4 --set=training.validate_steps=2; fi
    return
  fi
  source=$(teacher_of "$2")
  ssl_options "$1"
  case $(name_of "$1") in
    teacher*) if trains_encoder; then echo "--set=init={features: {from: $(masked_encoder)}}"; fi ;;
    distil_*) printf '%s\n' "--set=data.frames=$(stored_layers "$source")" "$(first_layers "$source")" ;;
    *)
      if [ -e "$(distil_config "$1")" ]; then
        init="features: {from: $(distilled_of "$1" "$2")}"
        if grep -q 'heads: true' "$(distilled_of "$1" "$2")/config.yaml"; then
          init+=", heads: {from: $(distilled_of "$1" "$2")}"
        fi
        printf '%s\n' "--set=data.frames=$(stored_layers "$source")" "--set=init={$init}"
      else
        first_layers "$source"
      fi ;;
  esac
  if [ "$size" = tiny ]; then echo --set=training.epochs=1; fi
}

for_teacher() { # FUNCTION: calls FUNCTION CONFIG SEED EXPERIMENT for each seed
  local seed
  for seed in $seeds; do
    "$1" "$teacher" "$seed" "$(teacher_of "$seed")"
  done
}

# As a public one, the encoder is the same for all variants: --set, which goes with a --tag, does not change its config.
train_encoder() {
  local config_changes=
  if trains_encoder; then train_set=train_clean dev_set=dev_clean train "$masked" 1 "$(masked_encoder)"; fi
}

train_teacher() { # CONFIG SEED EXPERIMENT
  train_set=train_clean dev_set=dev_clean train "$@"
}

compute_layers() { # EXPERIMENT FOLDER
  local learned
  learned=$(layers_to_learn)
  nrsr apply --exp "$1" --data "$data/for_layers" --out "$2" --nj "$nj" --outputs "layer${learned//,/,layer}"
}

layers() { # CONFIG SEED EXPERIMENT
  local folder
  once "$data/.done/for_layers" nrsr combine-data "$data/for_layers" "$data/train_clean" "$data/dev_clean"
  folder=$(stored_layers "$3")
  once "$3/.done/$(basename "$folder")" compute_layers "$3" "$folder"
}

train_student() { # CONFIG SEED EXPERIMENT
  if [ -e "$(distil_config "$1")" ]; then
    layers "$teacher" "$2" "$(teacher_of "$2")"
    train "$(distil_config "$1")" "$2" "$(distilled_of "$1" "$2")"
  fi
  train "$@"
}

classify_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/classify_{SET}.log" \
    nrsr classify --exp "$1" --data "$data/{SET}" --out "$1/classify_{SET}"
}

classify() { # CONFIG SEED EXPERIMENT
  once "$3/.done/classify" classify_sets "$3"
}

score_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_{SET}.log" \
    nrsr score-ser --data "$data/{SET}" --train "$(seen_in_training)" --out "$1/classify_{SET}/score" \
    "$data/{SET}/utt2emotion" "$1/classify_{SET}/emotion"
}

score() { # CONFIG SEED EXPERIMENT
  once "$3/.done/score" score_sets "$3"
}

# What an experiment is trained from is in no name.
keep_choices() { # CONFIG SEED EXPERIMENT
  keep_options 4 "$3" masked teacher ssl ssl_model ssl_levels ssl_layers
}

ser_stages() {
  if [ -n "$ssl" ]; then
    ssl=$(absolute "$ssl")
    [ -e "$ssl" ] || { echo "$0: --ssl $ssl: no such file; give the weights of $ssl_model" >&2; exit 1; }
  fi
  for_teacher keep_choices
  for_each keep_choices
  if in_stages 1 "mixing${variant:+ (${variant#_})}"; then mix_and_check; fi
  if in_stages 4 "training${variant:+ (${variant#_})}"; then
    train_encoder
    for_teacher train_teacher
    for_each train_student
  fi
  if in_stages 5 "classification${variant:+ (${variant#_})}"; then
    for_teacher classify
    for_each classify
  fi
  if in_stages 6 "scoring and report${variant:+ (${variant#_})}"; then
    for_teacher score
    for_each score
    report
  fi
}

# ser_folds CORPUS OPTION VALUES: all stages for each value of the option that names the test speakers to nrsr prepare.
# Both sizes share the data, which are the same, and not the experiments.
ser_folds() {
  local fold
  experiments=$work_dir/exp
  if [ "$size" = tiny ]; then experiments+=/tiny; fi
  if [ "$stage" -eq 0 ]; then
    given_corpus
    nonspeech
  fi
  for fold in $3; do
    data=$work_dir/data/fold$fold
    variant=_fold$fold
    prepare_data "$data" "$1" --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" "$2" "$fold"
    ser_stages
  done
}
