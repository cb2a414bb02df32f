# shellcheck shell=bash
# Sourced by what fetches corpora: folders that are there whole or not at all, whoever is killed and however many runs
# share a work folder.

# fetch OPTION FOLDER COMMAND...: unless FOLDER is there, calls COMMAND... NEW, which makes the folder NEW, and renames
# it. OPTION is that by which the user may give the folder.
fetch() {
  local lock
  if [ -d "$2" ]; then return; fi
  mkdir -p "$(dirname "$2")"
  exec {lock}>> "$2.lock"
  flock "$lock"
  if [ ! -d "$2" ]; then
    rm -rf "$2.new"
    "${@:3}" "$2.new" || {
      echo "$0: $2 cannot be fetched (the lines above say why); try again, or give the folder that you have by $1" >&2
      exit 1
    }
    mv "$2.new" "$2"
  fi
  exec {lock}>&-
}

# unzip_url URL INSIDE NEW: the folder INSIDE of an archive as NEW; what else the archive holds is not kept.
unzip_url() {
  rm -rf "$3.unpacked" &&
    mkdir "$3.unpacked" &&
    curl -fL -o "$3.unpacked/fetched.zip" "$1" &&
    python3 -m zipfile -e "$3.unpacked/fetched.zip" "$3.unpacked" &&
    mv "$3.unpacked/$2" "$3" &&
    rm -r "$3.unpacked"
}
