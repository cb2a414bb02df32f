# shellcheck shell=bash
# Sourced by utils/recipe.sh for the sep recipes: mixing of stage 1, and stages 4 to 6 for each config and seed of the run.
#
# run.sh sets: config, data, experiments (folder), baseline (system that the others are compared with); perhaps the
# options device (cpu or cuda) and recogniser (a trained experiment of an asr recipe for the WER of each separated
# speaker), variant, train_set, test_sets; for mix_sets also corpus (data directories of speech and noise), speakers (in
# each mixture) and counts (set -> mixtures).

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

# Improvement over all mixtures alike; and words of the separated speakers, where a recogniser was given.
metric=si_snr_i,sdr_i
primary=all
also=wer

train_set=train
test_sets=test_seen,test_unseen
variant=
device=${device:-cpu}
recogniser=${recogniser:+$(find_dir "$recogniser")}
declare -gA counts=([train]=1500 [dev]=150 [test_seen]=600 [test_unseen]=600)
if [ "${size:-}" = tiny ]; then counts=([train]=16 [dev]=4 [test_seen]=4 [test_unseen]=4); fi

mix() { # SPEECH NOISE SET
  once "$data/.done/$3" nrsr mix-speakers --speech "$corpus/$1" --noise "$corpus/$2" --speakers "$speakers" \
    --snr=0,5,10 --active --count "${counts[$3]}" --out "$data/$3"
}

separate_sets() {
  if [ "$device" = cuda ]; then
    run_jobs.sh --max-jobs 1 "SET=$test_sets" "$1/log/separate_{SET}.log" \
      nrsr separate --exp "$1" --data "$data/{SET}" --out "$1/separate_{SET}" --device cuda
  else
    run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/separate_{SET}.log" \
      nrsr separate --exp "$1" --data "$data/{SET}" --out "$1/separate_{SET}"
  fi
}

separate() { # CONFIG SEED EXPERIMENT
  once "$3/.done/separate" separate_sets "$3"
}

score_sets() {
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_{SET}.log" \
    nrsr score-sep --data "$data/{SET}" --estimates "$1/separate_{SET}" --out "$1/separate_{SET}/score"
}

score() {
  once "$3/.done/score" score_sets "$3"
}

recognise() { # SPEAKERS OUT: words of a data directory of single speakers
  nrsr decode --exp "$recogniser" --data "$1" --out "$2" --nj "$nj"
  nrsr score-wer --data "$1" --out "$2/score" "$1/text" "$2/text" | sed -n '1,2p'
}

# Recognises the mixture, and each speaker alone without noise: the worst and the best case for separation. The report lists
# them with the systems, as mixture_once and alone_once.
recognise_bounds() {
  local set
  for set in ${test_sets//,/ }; do
    echo "  WER, $set: the mixture for each speaker"
    nrsr split-speakers --data "$data/$set" --mixture --out "$data/speakers_mixed_$set"
    recognise "$data/speakers_mixed_$set" "$experiments/mixture${variant}_once/decode_$set"
    echo "  WER, $set: each speaker alone, without noise"
    nrsr split-speakers --data "$data/$set" --out "$data/speakers_alone_$set"
    recognise "$data/speakers_alone_$set" "$experiments/alone${variant}_once/decode_$set"
  done
}

recognise_separated() { # CONFIG SEED EXPERIMENT
  local set
  for set in ${test_sets//,/ }; do
    echo "  WER, $set: speakers separated by $(basename "$3"), permutation by best SI-SNR"
    nrsr split-speakers --data "$data/$set" --estimates "$3/separate_$set" --out "$3/speakers_$set"
    recognise "$3/speakers_$set" "$3/decode_$set"
  done
}

words() {
  once "$3/.done/words" recognise_separated "$@"
}

sep_stages() {
  if [ -n "$recogniser" ]; then keep_options 6 "$data" recogniser; fi # of a fold
  if in_stages 4 "training"; then for_each train; fi
  if in_stages 5 "separation"; then for_each separate; fi
  if in_stages 6 "scoring and report"; then
    for_each score
    if [ -n "$recogniser" ]; then
      once "$experiments/mixture${variant}_once/.done/words" recognise_bounds
      for_each words
    fi
    report
  fi
}
