# shellcheck shell=bash
# Sourced by the run.sh of the voicebank recipes: their data directories, test sets and pooling, alike in both.

# voicebank: stage 0, and the variables that utils/enh_stages.sh needs.
voicebank() {
  data=$work_dir/data
  experiments=$work_dir/exp
  test_sets="test_clean,test"
  quality_sets="test"
  primary=all # published values are means over all utterances
  with_figure=true
  given_corpus
  prepare_data "$data" voicebank --corpus-dir "$corpus_dir"
}
