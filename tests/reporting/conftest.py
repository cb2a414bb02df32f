"""Puts this folder on the path, for toy_runs, and gives four runs of two systems."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from toy_runs import write_run  # noqa: E402


@pytest.fixture
def exp(tmp_path):
    folder = tmp_path / "exp"
    for fold in (0, 1):
        for seed in (1, 2):
            write_run(folder, f"no_se_fold{fold}_seed{seed}", fold, 0.4)
            write_run(folder, f"mtl_fold{fold}_seed{seed}", fold, 0.2)
    return folder
