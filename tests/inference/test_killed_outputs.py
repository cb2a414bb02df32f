"""Outputs of trained systems, killed while they are written anew for other data: no mixture of old and new is read."""

import shutil
from pathlib import Path

import pytest
from killed import killed_at

from nrsr.commands.main import main
from nrsr.folders import IncompleteFolder, refuse_incomplete

PLACES = (0, 1, 3, 6)


def contents(folder: Path) -> dict[str, bytes]:
    """All but logs, which have times."""
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".log"]
    return {path.name: path.read_bytes() for path in files if not path.name.startswith(".")}


@pytest.mark.parametrize("command", ["decode --write-loglikes", "enhance"])
def test_old_and_new_are_never_read_together(experiment, data, tmp_path, capfd, command):
    out, old, part = tmp_path / "out", tmp_path / "old", tmp_path / "part"
    assert main(["subset-data", "--first", "3", str(data), str(part)]) == 0

    def run(source: Path) -> None:
        assert main([*command.split(), "--exp", str(experiment), "--data", str(source), "--out", str(out)]) == 0

    run(data)
    before = contents(out)
    shutil.copytree(out, old)
    run(part)
    after = contents(out)
    assert before != after
    refused = 0
    for place in PLACES:
        shutil.rmtree(out)
        shutil.copytree(old, out)
        assert killed_at(place, lambda: run(part))
        try:
            refuse_incomplete(out)
        except IncompleteFolder:
            refused += 1
        else:
            assert contents(out) in (before, after)
    assert refused
    run(part)
    assert contents(out) == after
    assert not list(out.glob(".*"))
