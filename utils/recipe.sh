# shellcheck shell=bash
# Sourced by every run.sh: the options that all recipes have, and `begin`, which loads the stages.
#
#   . "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
#   size=full                # the recipe's own options and their defaults, a variable each
#   begin asr "$@"           # reads the options, and loads the stages of utils/asr_stages.sh
#   experiments=$work_dir/exp
#
# Options of all recipes:
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --set "KEY=VALUE ..."     changes of the configs; give a --tag with it    (none)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/, exp/ and downloads/ go    (the recipe's folder)
#   --results FILE            the file whose tables are written anew    (RESULTS.md in the folder of the experiments)
#   --report true|false       false: stage 6 only scores, for several runs to be reported together    (true)
#   --stage N --stop-stage N  0 corpus to data directories, 1 mixing and perturbation, 2 features and statistics, 3 units,
#                             lexicon and alignments, 4 training, 5 decoding, enhancement, ..., 6 scoring and report
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[1]}")"
recipe_options=../../../utils/recipe.sh # whose options --help prints as well
stage=0
stop_stage=6
config=
seeds=1
tag=
set=
nj=2
work_dir=$PWD
results=
report=true

# begin TASK ARGUMENTS...: reads the options, and sets the folders and functions that the stages need.
begin() {
  local _task=$1
  shift
  # shellcheck source=parse_options.sh
  . ../../../utils/parse_options.sh
  config_changes=$set # the stages have sets of data of this name
  check_options
  # shellcheck source=path.sh
  . ../../../utils/path.sh
  # shellcheck source=stages.sh
  . ../../../utils/stages.sh
  work_dir=$(absolute "$work_dir")
  case $work_dir in
    *[{}]*)
      echo "$0: --work-dir $work_dir holds braces, which belong to placeholders; take another folder" >&2
      exit 1 ;;
  esac
  # shellcheck source=/dev/null
  . "$NRSR_ROOT/utils/${_task}_stages.sh"
  # A recipe that needs no corpus from the user has no option --corpus-dir.
  if [ -n "${corpus_dir+set}" ]; then nrsr doctor --quiet; else nrsr doctor --quiet --recipe .; fi
}

# check_options: ends the run where an option that most recipes have holds what it cannot take.
check_options() {
  local seed
  if [ "$report" != true ] && [ "$report" != false ]; then
    echo "$0: --report takes true or false, not '$report'" >&2
    exit 1
  fi
  if [ -n "${size+set}" ] && [ "$size" != full ] && [ "$size" != tiny ]; then
    echo "$0: --size takes full or tiny, not '$size'" >&2
    exit 1
  fi
  for seed in $seeds; do
    if [[ ! $seed =~ ^[0-9]+$ ]]; then
      echo "$0: --seeds takes whole numbers with spaces between them, as \"1 2 3\", not '$seed'" >&2
      exit 1
    fi
  done
  check_configs config "$config"
}

# check_configs OPTION "FILE ...": ends the run where one of an option's configs is no file.
check_configs() {
  local file
  for file in $2; do
    if [ ! -f "$file" ]; then
      echo "$0: --$1 $file: no such file in $PWD; give one, as conf/NAME.yaml, or an absolute path" >&2
      exit 1
    fi
  done
}

# given_corpus: for stage 0, makes corpus_dir absolute and looks whether the corpus is whole.
given_corpus() {
  if [ "$stage" -gt 0 ]; then return; fi
  [ -z "$corpus_dir" ] || corpus_dir=$(find_dir "$corpus_dir")
  nrsr doctor --quiet --recipe . ${corpus_dir:+--corpus-dir "$corpus_dir"}
}

# prepare_data DATA CORPUS OPTIONS...: stage 0.
prepare_data() {
  if in_stages 0 "corpus to data directories${fold:+ (fold $fold)}"; then
    once "$1/.done/prepare" nrsr prepare "${@:2}" --out "$1"
  fi
}
