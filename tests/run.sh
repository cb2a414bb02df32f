#!/usr/bin/env bash
# The test command: sets up what the tests need, then runs pytest on up to four cores; options go to pytest, so that -n 0
# keeps to one process.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/install.sh --dev --if-needed
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}  # spinning threads slow down a busy machine many times
exec tools/venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "$@"
