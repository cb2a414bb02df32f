"""Fixtures that all tests share."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # killed
os.environ.setdefault("NRSR_MODULES", "toy_systems,toy_games")  # modules of tests whose classes configs name


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real recordings (fsdd/, nonspeech/); NRSR_TEST_DATA names another one."""
    folder = Path(os.environ.get("NRSR_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "fsdd" / "recordings").is_dir():
        pytest.skip(f"no real recordings under {folder}; set NRSR_TEST_DATA to a folder with fsdd/ and nonspeech/")
    return folder


@pytest.fixture
def nrsr_main(capsys):
    """Run a sub-command in this process: nrsr_main("mix", "--snr", "5") -> (status, stdout, stderr)."""
    from nrsr.commands.main import main

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse: wrong usage or --help
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
