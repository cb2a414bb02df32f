# shellcheck shell=bash
# Sourced by utils/recipe.sh for the enh recipes: stages 2 to 6, first for what needs no training, then for one seed
# after the other, so that the first has its table before the next is trained. Runs for different seeds may share a work
# folder at the same time.
#
# run.sh sets: config (enhancers to train), shelf (enhancers that need no training: names of files in utils/conf/enh),
# data (its data directories), experiments (folder); perhaps variant, train_set, test_sets, quality_sets (those of them
# with parallel clean speech), quality (metrics), primary (SNRs to average). For words also recognisers (clean, noisy,
# retrained, pocketsphinx), recogniser (config of the first three), pocketsphinx_config (of the last; its n-gram model if
# not set) and retrain (enhancers for whose speech one is retrained).
#
# Enhanced speech is in NAME_seedN/enhance_SET, that of enhancers without training in NAME_once; the words recognised in
# it are in NAME-RECOGNISER_.../decode_SET. The recognisers that are trained on clean and on noisy speech are
# noisy-clean_seedN and noisy-noisy_seedN, as the noisy speech has no enhancer before it.

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/score_words.sh
. "$NRSR_ROOT/utils/score_words.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=noisy # the speech as it is, without an enhancer
quality=${quality:-pesq,stoi,si_sdr,csig,cbak,covl,segsnr}
train_set=train
test_sets=test_seen,test_unseen
quality_sets=test_seen,test_unseen
variant=
recognisers=${recognisers:-}
pocketsphinx_config=$NRSR_ROOT/utils/conf/asr/pocketsphinx.yaml

# Ends the run, before it prepares data, where options name recognisers or enhancers that there are not.
check_names() {
  local name enhancers=$shelf
  for name in $config; do enhancers+=" $(basename "$name" .yaml)"; done
  for name in $recognisers; do
    case $name in
      clean|noisy|retrained|pocketsphinx) ;;
      *)
        echo "$0: --recognisers takes some of clean, noisy, retrained and pocketsphinx, not '$name'" >&2
        exit 1 ;;
    esac
  done
  for name in $shelf; do
    if [ ! -f "$NRSR_ROOT/utils/conf/enh/$name.yaml" ]; then
      echo "$0: --shelf $name: utils/conf/enh has no $name.yaml; give names of files there" >&2
      exit 1
    fi
  done
  for name in ${retrain_given:+$retrain}; do
    if [[ " $enhancers " != *" $name "* ]]; then
      echo "$0: --retrain takes enhancers of --shelf and --config ($enhancers), not '$name'" >&2
      exit 1
    fi
  done
}
check_names

# for_shelf FUNCTION..., for_trained FUNCTION...: call FUNCTION... NAME ENDING OPTIONS... for each enhancer without
# training, and for each trained one of a seed. Its folder in $experiments is NAME and ENDING joined; OPTIONS are those
# by which nrsr enhance finds it.
for_shelf() {
  local enhancer
  for enhancer in $shelf; do
    "$@" "$enhancer" "${variant}_once" --config "$NRSR_ROOT/utils/conf/enh/$enhancer.yaml"
  done
}

for_trained() {
  local one enhancer
  for one in $config; do
    enhancer=$(basename "$one" .yaml)${tag:+-$tag}
    "$@" "$enhancer" "${variant}_seed$seeds" --exp "$experiments/$enhancer${variant}_seed$seeds"
  done
}

# speech_of NAME ENDING: the path, up to SET, of the data directories that an enhancer writes.
speech_of() {
  if [ "$1" = "$baseline" ]; then echo "$data/"; else echo "$experiments/$1$2/enhance_"; fi
}

enhance_sets() { # FOLDER SETS OPTIONS...
  run_jobs.sh --max-jobs "$nj" "SET=$2" "$1/log/enhance_{SET}.log" \
    nrsr enhance "${@:3}" --data "$data/{SET}" --out "$1/enhance_{SET}"
}

enhance() { # NAME ENDING OPTIONS...
  once "$experiments/$1$2/.done/enhance" enhance_sets "$experiments/$1$2" "$test_sets" "${@:3}"
}

score_quality_sets() { # SPEECH FOLDER
  run_jobs.sh --max-jobs "$nj" "SET=$quality_sets" "$2/log/score_{SET}.log" \
    nrsr score-se --data "$data/{SET}" --estimates "$1{SET}" --out "$2/enhance_{SET}/score" --metrics "$quality" \
    --allow-lag
}

score_quality() { # NAME ENDING
  once "$experiments/$1$2/.done/score_quality" score_quality_sets "$(speech_of "$1" "$2")" "$experiments/$1$2"
}

# recognised FUNCTION RECOGNISERS NAME ENDING: calls FUNCTION - - OUT SYSTEM SPEECH for each recogniser of an enhancer's
# speech; SYSTEM is a trained experiment, or pocketsphinx.
recognised() {
  local by seed=${variant}_seed$seeds speech
  speech=$(speech_of "$3" "$4")
  for by in $2; do
    case $by in
      clean|noisy) "$1" - - "$experiments/$3-$by$seed" "$experiments/noisy-$by$seed" "$speech" ;;
      retrained) if retrains "$3"; then "$1" - - "$experiments/$3-$by$seed" "$experiments/$3-$by$seed" "$speech"; fi ;;
      pocketsphinx) "$1" - - "$experiments/$3-$by$4" "$by" "$speech" ;;
    esac
  done
}

# Whether a recogniser is retrained for an enhancer's speech; that for the noisy speech is the one trained on it.
retrains() { # NAME
  [[ " $baseline $retrain " == *" ${1%%-*} "* ]]
}

decode_sets() { # OUT SYSTEM SPEECH
  local command=(decode --exp "$2")
  if [ "$2" = pocketsphinx ]; then command=(apply --config "$pocketsphinx_config"); fi
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/decode_{SET}.log" \
    nrsr "${command[@]}" --data "$3{SET}" --out "$1/decode_{SET}"
}

decode() { # - - OUT SYSTEM SPEECH
  once "$3/.done/decode" decode_sets "${@:3}"
}

# Enhancers that --set and --tag vary are compared by the same recognisers, whose config --set does not change.
train_recogniser() { # EXPERIMENT FOLDER TRAIN DEV: on data directories of the folder
  local config_changes=
  units "$recogniser" "$seeds" "$1"
  data=$2 train_set=$3 statistics "$recogniser" "$seeds" "$1"
  data=$2 train_set=$3 dev_set=$4 train "$recogniser" "$seeds" "$1"
}

# Enhances the data that the recogniser is trained on, once.
retrain_recogniser() { # NAME ENDING OPTIONS...
  local folder=$experiments/$1$2
  if ! retrains "$1"; then return; fi
  once "$folder/.done/enhance_train" enhance_sets "$folder" "$train_set,dev" "${@:3}"
  train_recogniser "$experiments/$1-retrained${variant}_seed$seeds" "$folder" "enhance_$train_set" enhance_dev
}

train_recognisers() {
  local seed=${variant}_seed$seeds
  if wanted clean; then train_recogniser "$experiments/noisy-clean$seed" "$data" train_clean dev_clean; fi
  if wanted noisy || wanted retrained; then
    train_recogniser "$experiments/noisy-noisy$seed" "$data" "$train_set" dev
  fi
  if wanted retrained; then
    ln -sfn "noisy-noisy$seed" "$experiments/noisy-retrained$seed"
    for_shelf retrain_recogniser
    for_trained retrain_recogniser
  fi
}

wanted() { # RECOGNISER
  [[ " $recognisers " == *" $1 "* ]]
}

stages_without_training() {
  local outside=
  if wanted pocketsphinx; then outside=pocketsphinx; fi
  if in_stages 5 "enhancement and decoding without training"; then
    for_shelf enhance
    recognised decode "$outside" "$baseline" "${variant}_once"
    for_shelf recognised decode "$outside"
  fi
  if in_stages 6 "scoring"; then
    score_quality "$baseline" "${variant}_once"
    for_shelf score_quality
    recognised score "$outside" "$baseline" "${variant}_once"
    for_shelf recognised score "$outside"
  fi
}

stages_of_seed() {
  local trained=${recognisers//pocketsphinx/}
  if in_stages 2 "statistics (seed $seeds)"; then for_each statistics; fi
  if in_stages 4 "training (seed $seeds)"; then
    for_each train
    train_recognisers
  fi
  if in_stages 5 "enhancement and decoding (seed $seeds)"; then
    for_trained enhance
    recognised decode "$trained" "$baseline" "${variant}_once"
    for_shelf recognised decode "$trained"
    for_trained recognised decode "$recognisers"
  fi
  if in_stages 6 "scoring and report (seed $seeds)"; then
    for_trained score_quality
    recognised score "$trained" "$baseline" "${variant}_once"
    for_shelf recognised score "$trained"
    for_trained recognised score "$recognisers"
    report_words_and_quality
  fi
}

# One report: of the recognised words, where there are any, and of the quality.
report_words_and_quality() {
  if [ -n "$recognisers" ]; then
    metric=wer also=$quality columns=${recognisers// /,} report
  else
    metric=$quality primary=${primary:-each} report_sets=$quality_sets report
  fi
}

enh_stages() {
  local seed
  if wanted clean || wanted noisy || wanted retrained; then keep_options 4 "$experiments" recogniser; fi
  stages_without_training
  for seed in $seeds; do
    seeds=$seed stages_of_seed
  done
}
