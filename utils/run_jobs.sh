#!/usr/bin/env bash
# Runs a command once per job, several at a time on this machine, with a log each, as Kaldi's run.pl does.
#
# Usage: run_jobs.sh [--max-jobs N] NAME=1:4   'exp/log/decode.{NAME}.log' command with '{NAME}' in its arguments
#        run_jobs.sh [--max-jobs N] NAME=a,b,c 'exp/log/decode.{NAME}.log' command with '{NAME}' in its arguments
#
# The braces belong to the placeholder: a folder called DATASETS holds no {SET}. Each log begins with the command and
# ends with its exit status. When a job fails, those that run are waited for, no further ones start, and the last lines
# of the failed job's log are shown; exit status 1.
set -u

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 1; }

max_jobs=$(env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 1)
if [ "${1:-}" = --max-jobs ]; then
  max_jobs=${2:-}
  shift 2 || usage
fi
[[ $max_jobs =~ ^[1-9][0-9]*$ ]] || { echo "run_jobs.sh: --max-jobs takes a number above 0, not '$max_jobs'" >&2; exit 1; }
[ $# -ge 3 ] || usage
[[ $1 =~ ^([A-Z]+)=(.+)$ ]] || usage
name=${BASH_REMATCH[1]}
placeholder="{$name}"
values=${BASH_REMATCH[2]}
log=$2
if [[ $log != *"$placeholder"* ]]; then
  echo "run_jobs.sh: the log $log has no $placeholder, so that all jobs would share it; add it" >&2
  exit 1
fi
shift 2

if [[ $values =~ ^([0-9]+):([0-9]+)$ ]]; then
  mapfile -t jobs < <(seq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
else
  IFS=, read -r -a jobs <<< "$values"
fi
[ ${#jobs[@]} -gt 0 ] || { echo "run_jobs.sh: $name=$values holds no job" >&2; exit 1; }

run_one() {
  local log=$1 start status
  shift
  mkdir -p "$(dirname "$log")"
  start=$(date +%s)
  rm -f "$log" # an old log that is a link must not be followed
  { printf '#'; printf ' %q' "$@"; printf '\n# started %s\n' "$(date '+%F %T')"; } > "$log"
  "$@" >> "$log" 2>&1 < /dev/null
  status=$?
  printf '# ended %s, %d s, exit status %d\n' "$(date '+%F %T')" $(($(date +%s) - start)) "$status" >> "$log"
  return "$status"
}

# Each job in a process group of its own; when this script is stopped, the jobs must not go on alone.
set -m
groups=()
trap 'for group in "${groups[@]}"; do kill -- "-$group" 2>/dev/null; done; exit 1' TERM INT HUP

started=()
running=0
for job in "${jobs[@]}"; do
  if [ "$running" -ge "$max_jobs" ]; then
    wait -n || break
    running=$((running - 1))
  fi
  started+=("${log//"$placeholder"/"$job"}")
  run_one "${log//"$placeholder"/"$job"}" "${@//"$placeholder"/"$job"}" &
  groups+=($!)
  running=$((running + 1))
done
wait

# The log's last line decides, not the shell's: a job that was killed outright wrote none, and has failed.
status=0
for log in "${started[@]}"; do
  if ! tail -n 1 "$log" | grep -q '^# ended .* exit status 0$'; then
    status=1
    echo "run_jobs.sh: a job failed; the end of its log $log:" >&2
    tail -n 8 "$log" | sed 's/^/    /' >&2
  fi
done
exit $status
