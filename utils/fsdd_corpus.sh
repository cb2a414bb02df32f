# shellcheck shell=bash
# Sourced by the run.sh of the fsdd recipes: corpus_dir and noise_dir, fetched where the user has not named them.

# shellcheck source=utils/nonspeech.sh
. "$NRSR_ROOT/utils/nonspeech.sh"

# fsdd_corpus: for stage 0, makes corpus_dir and noise_dir absolute, and checks what is there.
fsdd_corpus() {
  if [ "$stage" -gt 0 ]; then return; fi
  if [ -z "$corpus_dir" ]; then
    corpus_dir=$work_dir/downloads/free-spoken-digit-dataset
    fetch --corpus-dir "$corpus_dir" git clone --depth 1 https://github.com/Jakobovski/free-spoken-digit-dataset
  fi
  corpus_dir=$(find_dir "$corpus_dir")
  nonspeech
  nrsr doctor --quiet --recipe . --corpus-dir "$corpus_dir" --noise-dir "$noise_dir"
}

# fsdd_data DATA: stage 0 of a fold; run.sh may set test_strings and noise_sets.
fsdd_data() {
  local which=()
  if [ "${noise_sets:-fold}" != fold ]; then which=(--noise-sets "$noise_sets"); fi
  prepare_data "$1" fsdd --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --fold "$fold" --size "$size" \
    "${which[@]}" ${test_strings:+--test-strings "$test_strings"} "${@:2}"
}

# check_noise_sets NAME...: ends the run where --noise-sets is none of these.
check_noise_sets() {
  if [[ " $* " != *" $noise_sets "* ]]; then
    echo "$0: --noise-sets takes one of $*, not '$noise_sets'" >&2
    exit 1
  fi
}

# with_noise_sets NAME: NAME_NOISE_SETS, the folder of experiments with these noise sets; NAME for the default ones, fold.
with_noise_sets() {
  if [ "$noise_sets" = fold ]; then echo "$1"; else echo "$1_$noise_sets"; fi
}
