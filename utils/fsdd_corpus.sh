# shellcheck shell=bash
# Sourced by the run.sh of the fsdd recipes: corpus_dir and noise_dir, fetched where the user has not named them.

# fsdd_corpus: makes corpus_dir and noise_dir absolute, and checks what is there. run.sh sets work_dir, called_from.
fsdd_corpus() {
  local downloads=$work_dir/downloads
  mkdir -p "$downloads"
  if [ -z "$corpus_dir" ]; then
    corpus_dir=$downloads/free-spoken-digit-dataset
    [ -d "$corpus_dir" ] || git clone --depth 1 https://github.com/Jakobovski/free-spoken-digit-dataset "$corpus_dir"
  fi
  if [ -z "$noise_dir" ]; then
    noise_dir=$downloads/Nonspeech
    if [ ! -d "$noise_dir" ]; then
      curl -fL -o "$downloads/Nonspeech.zip" http://web.cse.ohio-state.edu/pnl/corpus/HuNonspeech/Nonspeech.zip
      python3 -m zipfile -e "$downloads/Nonspeech.zip" "$downloads"
    fi
  fi
  corpus_dir=$(find_dir "$corpus_dir")
  noise_dir=$(find_dir "$noise_dir")
  nrsr doctor --quiet --recipe . --corpus-dir "$corpus_dir" --noise-dir "$noise_dir"
}
