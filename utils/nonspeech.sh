# shellcheck shell=bash
# Sourced by the run.sh of recipes whose noise is the 100 nonspeech sounds: noise_dir, fetched where none is named.

# shellcheck source=utils/fetch.sh
. "$NRSR_ROOT/utils/fetch.sh"

# nonspeech: makes noise_dir absolute. run.sh sets work_dir, called_from.
nonspeech() {
  if [ -z "$noise_dir" ]; then
    noise_dir=$work_dir/downloads/Nonspeech
    fetch --noise-dir "$noise_dir" unzip_url http://web.cse.ohio-state.edu/pnl/corpus/HuNonspeech/Nonspeech.zip Nonspeech
  fi
  noise_dir=$(find_dir "$noise_dir")
}
