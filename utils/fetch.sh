# shellcheck shell=bash
# Sourced by what fetches corpora: folders that are there whole or not at all, whoever is killed and however many runs
# share a work folder.

# fetch FOLDER COMMAND...: unless FOLDER is there, calls COMMAND... NEW, which makes the folder NEW, and renames it.
fetch() {
  local lock
  if [ -d "$1" ]; then return; fi
  mkdir -p "$(dirname "$1")"
  exec {lock}>> "$1.lock"
  flock "$lock"
  if [ ! -d "$1" ]; then
    rm -rf "$1.new"
    "${@:2}" "$1.new"
    mv "$1.new" "$1"
  fi
  exec {lock}>&-
}

# unzip_url URL INSIDE NEW: the folder INSIDE of an archive as NEW; what else the archive holds is not kept.
unzip_url() {
  rm -rf "$3.unpacked"
  mkdir "$3.unpacked"
  curl -fL -o "$3.unpacked/fetched.zip" "$1"
  python3 -m zipfile -e "$3.unpacked/fetched.zip" "$3.unpacked"
  mv "$3.unpacked/$2" "$3"
  rm -r "$3.unpacked"
}
