#!/usr/bin/env bash
# The test command: sets up what the tests need, then runs pytest; options go to pytest.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/install.sh --dev --if-needed
exec tools/venv/bin/python -m pytest "$@"
