# shellcheck shell=bash
# Sourced by the run.sh of recipes whose noise is the 100 nonspeech sounds: noise_dir, fetched where none is named.

# nonspeech: makes noise_dir absolute. run.sh sets work_dir, called_from.
nonspeech() {
  if [ -z "$noise_dir" ]; then
    noise_dir=$work_dir/downloads/Nonspeech
    fetch_zip http://web.cse.ohio-state.edu/pnl/corpus/HuNonspeech/Nonspeech.zip "$work_dir/downloads" "$noise_dir"
  fi
  noise_dir=$(find_dir "$noise_dir")
}

# fetch_zip URL DIR FOLDER: unpacks an archive into DIR, unless the FOLDER that comes out of it is there.
fetch_zip() {
  if [ -d "$3" ]; then return; fi
  mkdir -p "$2"
  curl -fL -o "$2/fetched.zip" "$1"
  python3 -m zipfile -e "$2/fetched.zip" "$2"
  rm "$2/fetched.zip"
}
