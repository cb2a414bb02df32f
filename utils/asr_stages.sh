# shellcheck shell=bash
# Sourced by utils/recipe.sh for the asr recipes: stages 2 to 6, for each config and seed of the run.
#
# run.sh sets: config (one or more YAML files), data (its data directories), experiments (folder); perhaps variant (suffix
# of an experiment's name that names its data, as _fold0), train_set, test_sets (separated by commas).

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/score_words.sh
. "$NRSR_ROOT/utils/score_words.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=no_se
train_set=train
test_sets=test_clean,test_seen,test_unseen
variant=

decode_all() { # EXPERIMENT OPTIONS...
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/decode_{SET}.log" \
    nrsr decode --exp "$1" --data "$data/{SET}" --out "$1/decode_{SET}" "${@:2}"
}

decode_sets() { # EXPERIMENT; run.sh may have its own
  decode_all "$1"
}

decode() {
  once "$3/.done/decode" decode_sets "$3"
}

asr_stages() {
  if in_stages 2 "statistics"; then for_each statistics; fi
  if in_stages 3 "units"; then for_each units; fi
  if in_stages 4 "training"; then for_each train; fi
  if in_stages 5 "decoding"; then for_each decode; fi
  if in_stages 6 "scoring and report"; then
    for_each score
    report
  fi
}
