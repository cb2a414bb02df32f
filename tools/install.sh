#!/usr/bin/env bash
# Builds tools/venv: a Python environment with the torch that fits this machine, and nrsr itself.
#
# Usage: tools/install.sh [--dev] [--if-needed]
#   --dev        also what the tests need
#   --if-needed  do nothing when the environment is there and setup.py has not changed since
#
# PYTHON names another interpreter (3.10 or newer) than python3.
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$tools/venv
extras=
if_needed=false
for option in "$@"; do
  case $option in
    --dev) extras='[dev]' ;;
    --if-needed) if_needed=true ;;
    *) echo "install.sh: unknown option $option; it takes --dev and --if-needed" >&2; exit 1 ;;
  esac
done

# One mark for what run.sh needs and one for the tests; each is a copy of the setup.py that it belongs to.
mark=$venv/complete${extras:+-dev}
if $if_needed && cmp -s "$tools/../setup.py" "$mark"; then exit 0; fi

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "install.sh: $python is missing or older than 3.10; install one and name it: PYTHON=python3.11 $0" >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "install.sh: $python has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi

mkdir -p "$venv"
exec 9>"$tools/venv/.lock"
if command -v flock >/dev/null && ! flock -n 9; then
  echo "install.sh: another install is under way; waiting for it" >&2
  flock 9
  if $if_needed && cmp -s "$tools/../setup.py" "$mark"; then exit 0; fi
fi

echo "install.sh: building $venv (some minutes the first time)" >&2
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# torch first, so that nothing else pulls in a build with several GB of CUDA where there is no GPU.
if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  if nvidia-smi >/dev/null 2>&1; then
    pip torch==2.11.0 torchaudio==2.11.0   # a pair built for the same CUDA
  elif [ "$(uname)" = Darwin ]; then
    pip torch==2.13.0
  else
    pip torch==2.13.0+cpu 2>/dev/null ||
      pip torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu
  fi
fi
pip -e "$tools/..$extras"

# pesq is optional: it is compiled from its source.
if ! "$venv/bin/python" -c 'import pesq' 2>/dev/null && ! pip 'pesq>=0.0.4' 2>/dev/null; then
  echo "install.sh: pesq could not be compiled; nrsr works without it, score-sep leaves PESQ out" >&2
fi

# torchaudio is optional: the tests compare features with it. Its wheel links CUDA, so beside a CPU torch
# its compiled part cannot load; what we use of it is pure Python, and imports once that part is gone.
if "$venv/bin/python" -c 'import torchaudio' 2>/dev/null; then :
elif pip --no-deps torchaudio==2.11.0; then
  if ! "$venv/bin/python" -c 'import torchaudio' 2>/dev/null; then
    rm -f "$venv"/lib/python*/site-packages/torchaudio/lib/*.so
    "$venv/bin/python" -c 'import torchaudio' ||
      echo "install.sh: torchaudio does not import; nrsr works without it, its parity tests are skipped" >&2
  fi
else
  echo "install.sh: torchaudio could not be installed; nrsr works without it, its parity tests are skipped" >&2
fi

cp "$tools/../setup.py" "$venv/complete$extras.new"
[ -n "$extras" ] && cp "$tools/../setup.py" "$venv/complete"
mv "$venv/complete$extras.new" "$mark"
echo "install.sh: done" >&2
