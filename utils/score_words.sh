# shellcheck shell=bash
# Sourced by the stages of the recipes that recognise words: word error rates of the decoded sets.
#
# run.sh sets: data (its data directories), test_sets (separated by commas), nj.

score_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_{SET}.log" \
    nrsr score-wer --data "$data/{SET}" --out "$1/decode_{SET}/score" "$data/{SET}/text" "$1/decode_{SET}/text"
}

score() { # CONFIG SEED EXPERIMENT
  once "$3/.done/score" score_sets "$3"
}
