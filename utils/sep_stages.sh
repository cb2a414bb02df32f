# shellcheck shell=bash
# Sourced by the run.sh of the sep recipes: stages 4 to 6, for each config and seed of the run.
#
# run.sh sets what utils/experiments.sh asks for, and: nj, test_sets (separated by commas), device (cpu or cuda),
# results (file), baseline (system that the others are compared with).

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"

separate_sets() {
  if [ "$device" = cuda ]; then
    run_jobs.sh --max-jobs 1 "SET=$test_sets" "$1/log/separate_SET.log" \
      nrsr separate --exp "$1" --data "$data/SET" --out "$1/separate_SET" --device cuda
  else
    run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/separate_SET.log" \
      nrsr separate --exp "$1" --data "$data/SET" --out "$1/separate_SET"
  fi
}

separate() { # CONFIG SEED EXPERIMENT
  once "$3/.done/separate" separate_sets "$3"
}

score_sets() {
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_SET.log" \
    nrsr score-sep --data "$data/SET" --estimates "$1/separate_SET" --out "$1/separate_SET/score"
}

score() {
  once "$3/.done/score" score_sets "$3"
}

sep_stages() {
  if in_stages 4 "training"; then for_each train; fi
  if in_stages 5 "separation"; then for_each separate; fi
  if in_stages 6 "scoring and report"; then
    for_each score
    nrsr report-sep --exp "$experiments" --sets "$test_sets" --baseline "$baseline" --out "$results"
  fi
}
