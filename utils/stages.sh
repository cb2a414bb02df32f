# shellcheck shell=bash
# Sourced by run.sh: which stages run, and the marks that keep finished work from being repeated.
#
# run.sh sets stage and stop_stage before parse_options.sh, and called_from (the folder it was called in).

for _name in stage stop_stage; do
  if [[ ! ${!_name} =~ ^[0-9]+$ ]]; then
    echo "$0: --${_name/_/-} takes the number of a stage, not '${!_name}'; $0 --help lists them" >&2
    exit 1
  fi
  if [ "${!_name}" -gt 6 ]; then
    echo "$0: --${_name/_/-} ${!_name}: the last stage is 6; $0 --help lists them" >&2
    exit 1
  fi
done
if [ "$stage" -gt "$stop_stage" ]; then
  echo "$0: --stage $stage comes after --stop-stage $stop_stage, so nothing would run; take it down to $stop_stage" >&2
  exit 1
fi

# in_stages NUMBER WHAT: status 0 when the stage lies between --stage and --stop-stage; says so.
in_stages() {
  [ "$1" -ge "$stage" ] && [ "$1" -le "$stop_stage" ] || return 1
  echo "stage $1: $2"
}

# once MARK COMMAND...: runs the command unless the file MARK exists; makes MARK when it succeeds.
# A --stage given by the user repeats what it names, whatever the marks say. Of several runs on one work folder one does
# the work, and the others wait for it.
once() {
  if is_done "$1"; then return; fi
  in_turn "$1" unless_done "$@"
}

unless_done() { # MARK COMMAND...
  if is_done "$1"; then return; fi
  rm -f "$1"
  "${@:2}"
  date '+%F %T' > "$1"
}

# in_turn MARK COMMAND...: runs the command while no other run has the lock MARK.lock.
in_turn() {
  local mark=$1 lock
  mkdir -p "$(dirname "$mark")"
  exec {lock}>> "$mark.lock"
  if ! flock --nonblock "$lock"; then
    echo "  another run is at it, waiting: $mark"
    flock "$lock"
  fi
  "${@:2}"
  exec {lock}>&-
}

is_done() {
  if [ -n "${stage_given:-}" ] || [ ! -e "$1" ]; then return 1; fi
  echo "  done before: $1"
}

# keep_options STAGE FOLDER NAME...: for options whose values decide what a stage writes, but are part of no name or mark
# there. The first run of the stage keeps them in FOLDER/.options; a later one with another value ends. What has a slash
# or ends with .yaml is a path, and is compared as one, relative to the project's root where it is below it.
keep_options() {
  local name value file kept lock
  if [ "$1" -lt "$stage" ] || [ "$1" -gt "$stop_stage" ]; then return; fi
  mkdir -p "$2/.options"
  exec {lock}>> "$2/.options/.lock"
  flock "$lock"
  for name in "${@:3}"; do
    value=${!name}
    case $value in */*|*.yaml) value=$(realpath -m --relative-base="$NRSR_ROOT" "$value") ;; esac
    file=$2/.options/$name
    if [ ! -e "$file" ]; then
      echo "$value" > "$file.new"
      mv "$file.new" "$file"
    fi
    kept=$(cat "$file")
    if [ "$kept" != "$value" ]; then
      echo "$0: --${name//_/-} was '$kept' for $2 and is '$value' now; give it as before, or take another --work-dir" \
        "(or remove $file, if no run with '$kept' got so far)" >&2
      exit 1
    fi
  done
  exec {lock}>&-
}

# absolute PATH: the path, which may be relative to where run.sh was called.
absolute() {
  case $1 in /*) echo "$1" ;; *) echo "$called_from/$1" ;; esac
}

# find_dir PATH: the folder's absolute path; PATH may be relative to where run.sh was called, or to the project's root.
find_dir() {
  local path
  case $1 in
    /*) path=$1 ;;
    *) path=$called_from/$1; [ -d "$path" ] || path=$NRSR_ROOT/$1 ;;
  esac
  if [ ! -d "$path" ]; then
    echo "$0: there is no folder $1, neither under $called_from nor under $NRSR_ROOT; give an absolute path" >&2
    return 1
  fi
  (cd "$path" && pwd)
}
