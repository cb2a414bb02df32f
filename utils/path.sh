# shellcheck shell=bash
# Sourced by run.sh: builds tools/venv the first time, and puts nrsr, utils/ and the recipe's local/ on the paths.

NRSR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$NRSR_ROOT/tools/install.sh" --if-needed || exit 1

export NRSR_ROOT
export PATH=$NRSR_ROOT/tools/venv/bin:$NRSR_ROOT/utils:$PATH
# A front-end of your own goes into local/ of the recipe, and its config says `class: my_file.MyFrontEnd`.
export PYTHONPATH=$PWD/local${PYTHONPATH:+:$PYTHONPATH}
# Kaldi's order of ids, and UTF-8 text whatever the user's locale.
export LC_ALL=C PYTHONUTF8=1
