"""The table of probes from probe.json of several runs."""

import json
from pathlib import Path

import pytest

from nrsr.reporting.probe_table import ProbeFileError, probe_table


def write(
    folder: Path,
    test_set: str,
    accuracy: float,
    chance: float = 20.0,
    against: str | None = None,
    name: str = "probe.json",
    kinds: str = "utt2noise",
) -> Path:
    path = folder / f"decode_{test_set}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = {"file": kinds, "missing": None, "against": against}
    probe = {"labels": labels, "layer": 3, "utterances": 240, "classes": {"car": 120, "wind": 120}}
    path.write_text(json.dumps(probe | {"utterance": {"accuracy": accuracy, "chance": chance}}))
    return path


def test_runs_of_a_system_are_averaged_and_chance_stands_beside(tmp_path):
    runs = {"mono": [tmp_path / "mono"], "single": [tmp_path / "s1", tmp_path / "s2"], "amtl": [tmp_path / "a1"]}
    for name, accuracy in (("s1", 80.0), ("s2", 70.0), ("a1", 30.0)):
        write(tmp_path / name, "test_seen", accuracy)
    write(tmp_path / "a1", "dev", 55.04, 50.0, against="clean")
    table = probe_table(runs)
    assert list(table.header) == ["system", "test_seen", "dev"] or list(table.header) == ["system", "dev", "test_seen"]
    cells = {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.rows}
    assert cells == {
        "single": {"test_seen": "75.0 (20.0)", "dev": "-"},
        "amtl": {"test_seen": "30.0 (20.0)", "dev": "55.0 (50.0)"},
    }
    notes = "\n".join(table.notes)
    assert "test_seen: which of 2 kinds (utt2noise), layer 3; at least 240 utterances" in notes
    assert "dev: clean or not (utt2noise), layer 3" in notes


def test_several_probes_of_a_set_have_a_column_each(tmp_path):
    write(tmp_path / "s1", "test_seen", 80.0)
    write(tmp_path / "s1", "test_seen", 60.0, 7.0, name="probe_recording.json", kinds="utt2noisefile")
    table = probe_table({"single": [tmp_path / "s1"]})
    assert table.rows == [["single", "80.0 (20.0)", "60.0 (7.0)"]]
    assert list(table.header) == ["system", "test_seen", "test_seen recording"]
    assert "test_seen recording: which of 2 kinds (utt2noisefile), layer 3" in "\n".join(table.notes)


def test_without_probes_there_is_no_table(tmp_path):
    assert probe_table({"single": [tmp_path]}) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"utterance": {}}'])
def test_a_file_that_is_none_is_named(tmp_path, content):
    path = write(tmp_path / "s1", "test_seen", 50.0)
    path.write_text(content)
    with pytest.raises(ProbeFileError, match=r"decode_test_seen/probe\.json: is not what nrsr probe writes"):
        probe_table({"single": [tmp_path / "s1"]})
