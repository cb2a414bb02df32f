# shellcheck shell=bash
# Sourced by scripts that list many runs: runs the items of the list in order, and resumes after a kill.
#
#   queue=$work_dir/queue                     # folder of its marks and logs
#   item NAME COMMAND...                      # in the order in which they are to run
#   item_after "OTHER ..." NAME COMMAND...    # not before the OTHERs are done
#   run_queue                                 # sets failed, an array whose keys are items that failed
#
# Processes that are started with the same list and folder share the work: each takes the first item that can run and that
# no other has. The lock on an item lasts as long as a process that works on it, so a killed item is free again;
# commands must resume by themselves, as run.sh does. A failed item is tried once by each process. With `only`, a
# pattern of names, the others are left out of the list.

only=${only:-*}
names=()
commands=()
needs=()
item() { # NAME COMMAND...
  item_after "" "$@"
}

item_after() { # "OTHER ..." NAME COMMAND...
  # shellcheck disable=SC2053 # a pattern
  if [[ $2 != $only ]]; then return; fi
  needs+=("$1")
  names+=("$2")
  commands+=("$(printf '%q ' "${@:3}")")
}

is_item_done() { # NAME
  [ -e "$queue/$1.done" ]
}

# is_item_ready NUMBER: status 0 if it can run, 1 if it waits for another, 2 if for what failed here or is not listed.
is_item_ready() {
  local need
  for need in ${needs[$1]}; do
    if is_item_done "$need"; then continue; fi
    if [ -n "${failed[$need]:-}" ] || [[ " ${names[*]} " != *" $need "* ]]; then return 2; fi
    return 1
  done
}

# Runs the first item that can run now. Sets found to `item`; to `others` where some are left but other processes are at
# them; or to nothing. It is no status: commands that run within a condition would not stop at their errors.
run_next_item() {
  local number name lock ready
  found=
  for number in "${!names[@]}"; do
    name=${names[number]}
    if is_item_done "$name" || [ -n "${failed[$name]:-}" ]; then continue; fi
    ready=0
    is_item_ready "$number" || ready=$?
    if [ "$ready" = 2 ]; then failed[$name]=true; fi
    if [ "$ready" = 1 ]; then found=others; fi
    if [ "$ready" != 0 ]; then continue; fi
    exec {lock}>> "$queue/$name.lock"
    if ! flock --nonblock "$lock"; then
      found=others
    elif ! is_item_done "$name"; then
      run_item "$name" "${commands[number]}"
      exec {lock}>&-
      found=item
      return
    fi
    exec {lock}>&-
  done
}

run_item() { # NAME COMMAND
  local start outcome status=0
  start=$(date +%s)
  (eval "$2") >> "$queue/$1.log" 2>&1 < /dev/null &
  running=$!
  wait "$running" || status=$?
  running=
  if [ "$status" = 0 ]; then
    touch "$queue/$1.done"
    outcome="done"
  else
    failed[$1]=true
    outcome="FAILED (see $queue/$1.log)"
  fi
  printf '%s %s: %s after %d min, %d of %d done\n' "$(date '+%F %T')" "$1" "$outcome" \
    $((($(date +%s) - start) / 60)) "$(count_done)" ${#names[@]}
}

count_done() {
  local name count=0
  for name in "${names[@]}"; do
    if is_item_done "$name"; then count=$((count + 1)); fi
  done
  echo "$count"
}

list_queue() {
  local number name state
  for number in "${!names[@]}"; do
    name=${names[number]}
    state=open
    if is_item_done "$name"; then
      state="done"
    elif [ -e "$queue/$name.lock" ] && ! flock --nonblock "$queue/$name.lock" true; then
      state=running
    fi
    echo "$state $name"
  done
}

run_queue() {
  declare -gA failed=() # items that failed in this process, and what waits for them
  running='' found=''
  mkdir -p "$queue"
  set -m # an item in a process group of its own, which ends with this script
  trap 'if [ -n "$running" ]; then kill -- "-$running" 2> /dev/null; fi; exit 1' TERM INT HUP
  while true; do
    run_next_item
    if [ -z "$found" ]; then break; fi
    if [ "$found" = others ]; then sleep "${queue_pause:-60}"; fi
  done
  set +m
  trap - TERM INT HUP
  if [ ${#failed[@]} -gt 0 ]; then echo "$0: failed, or waiting for what failed or is not in the list: ${!failed[*]}" >&2; fi
}
