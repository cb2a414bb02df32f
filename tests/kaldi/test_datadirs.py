"""Data directories as they are read: segments, durations, real recordings, and spoilt lists in all tools."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from toy_datadirs import RATE, edit, make, make_segmented, tone

from nrsr.datadirs import combine, split
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.durations import write_utt2num_frames
from nrsr.kaldi.fix import fix
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.tables import TableWriter
from nrsr.kaldi.validate import validate

pytestmark = pytest.mark.usefixtures("datadirs_in_tmp")


def test_valid_directories():
    assert validate(make()) == []
    assert validate(make_segmented()) == []
    data = DataDir("data")
    assert data.utterances[:2] == ["ann-0", "ann-1"] and len(data.utterances) == 13
    assert data.durations()["ann-2"] == pytest.approx(0.12)
    assert "ann-0" not in data.waves("spk1.scp") and len(data.waves("spk1.scp")) == 12
    np.testing.assert_allclose(data.waves(rate=RATE)["ann-1"], tone(880), atol=2**-15)


def test_segments_cut_recordings():
    data = DataDir(make_segmented())
    waves = data.waves(rate=RATE)
    assert {key: len(waves[key]) for key in waves} == {"s-a": 2000, "s-b": 6000, "s-c": 4000}
    np.testing.assert_allclose(waves["s-c"], tone(RATE)[4000:], atol=2**-15)
    assert data.durations() == pytest.approx({"s-a": 0.25, "s-b": 0.75, "s-c": 0.5})
    assert {key: wave.size / RATE for key, wave in waves.items()} == data.durations()


def test_durations_need_one_header_a_recording(monkeypatch):
    data, read = DataDir(make_segmented()), []
    monkeypatch.setattr("nrsr.kaldi.waves.audio_info", lambda entry, **_: (read.append(entry), (RATE, RATE))[1])
    assert data.durations() == pytest.approx({"s-a": 0.25, "s-b": 0.75, "s-c": 0.5})
    assert sorted(read) == ["rec1.wav", "rec2.wav"]
    write_list(data.path / "utt2dur", {"s-a": "0.25", "s-b": "0.95", "s-c": "0.5"})
    assert data.durations()["s-b"] == 0.95 and len(read) == 2


@pytest.mark.parametrize(
    ("times", "named"), [("0.2 1.6", "0.2 s to 1.6 s goes behind"), ("1.0 1.2", "1.0 s to 1.2 s goes behind")]
)
def test_durations_of_segments_outside_of_their_recording_are_refused(times, named):
    folder = make_segmented()
    edit(folder / "segments", "0.25 1.2", times)
    with pytest.raises(AudioError, match=f"utterance 's-b': rec1.wav: the part from {named}"):
        DataDir(folder).durations()


def test_frame_counts():
    folder = make()
    with TableWriter(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        for n, utterance in enumerate(DataDir(folder).utterances):
            writer[utterance] = np.zeros((n + 1, 2), np.float32)
    assert write_utt2num_frames(folder)["ann-2"] == 3
    assert read_list(folder / "utt2num_frames")["ann-4"] == "5"
    assert validate(folder) == []


def test_real_recordings(shared_data):
    files = sorted((shared_data / "fsdd" / "recordings").glob("*_0.wav"))[:30]
    folder = Path("fsdd")
    folder.mkdir()
    names = {f"{path.stem.split('_')[1]}-{path.stem}": path for path in files}
    write_list(folder / "wav.scp", names)
    write_list(folder / "utt2spk", {name: name.split("-")[0] for name in names})
    fix(folder)
    assert validate(folder) == []
    for name, seconds in DataDir(folder).durations().items():
        assert seconds == soundfile.info(names[name]).duration


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["text", "utt2spk", "spk2utt", "wav.scp", "spk1.scp", "utt2dur", "spk2gender", "utt2noise", "accent"]
    ),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 300),
    st.binary(max_size=6),
)
@example("text", [(7, ord("\r"))], 0, b"")
@example("text", [(6, 0x1C)], 0, b"")
def test_mutated_directories(name, changes, cut, extra):
    """Any spoilt list: all tools either work or say in one line what is wrong; what fix leaves is valid."""
    if not Path("data").exists():
        make()
    shutil.rmtree("bad", ignore_errors=True)
    shutil.copytree("data", "bad")
    spoilt = bytearray((Path("bad") / name).read_bytes())
    for place, value in changes:
        spoilt[place % len(spoilt)] = value
    (Path("bad") / name).write_bytes(bytes(spoilt[: len(spoilt) - cut % len(spoilt)]) + extra)
    validate("bad")
    for act in (
        lambda: [len(wave) for wave in DataDir("bad").waves().values()],
        lambda: DataDir("bad").durations(),
        lambda: split.split("bad", 2),
        lambda: combine.combine(["bad", "data"], "out"),
    ):
        try:
            act()
        except NrsrError as error:
            assert "bad" in str(error) and "\n" not in str(error)
    try:
        notes = fix("bad")
    except NrsrError as error:
        assert "no utterance would be left" in str(error)
    else:
        assert all("\n" not in note for note in notes)
        # Commands, speakers that are no prefixes, wrong durations and odd spaces are for the user to decide.
        left = ("prefixes", "remove utt2dur", "looks like a space")
        assert [f for f in validate("bad", allow_pipes=True) if not any(known in f for known in left)] == []
