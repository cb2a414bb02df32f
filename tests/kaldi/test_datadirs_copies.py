"""Copies of data directories: parts, subsets, sums and other speeds keep what belongs together."""

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from toy_datadirs import RATE, make, make_segmented, tone

from nrsr.datadirs import combine, perturb, split, subset
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.validate import validate

pytestmark = pytest.mark.usefixtures("datadirs_in_tmp")


def test_split_by_speaker_and_by_utterance():
    folder = make()
    parts = split.split(folder, 3)
    assert parts == [folder / "split3" / str(n) for n in (1, 2, 3)]
    assert [len(DataDir(part).utterances) for part in parts] == [5, 4, 4]
    for part in parts:
        assert validate(part) == []
        assert (part / "frame_shift").is_file() and set(read_list(part / "accent")) == set(DataDir(part).utterances)
    assert sorted(u for part in parts for u in DataDir(part).utterances) == DataDir(folder).utterances
    speakers = [set(read_list(part / "utt2spk").values()) for part in parts]
    assert not speakers[0] & speakers[1] and set(read_list(parts[0] / "spk2gender")) == speakers[0]
    parts = split.split(folder, 5, by_utterance=True)
    assert parts[0] == folder / "split5utt" / "1"
    assert sorted(len(DataDir(part).utterances) for part in parts) == [2, 2, 3, 3, 3]
    with pytest.raises(DataDirError, match="--per-utt"):
        split.split(folder, 5)
    segmented = split.split(make_segmented(), 3, by_utterance=True)
    assert [set(read_list(part / "wav.scp")) for part in segmented] == [{"rec1"}, {"rec1"}, {"rec2"}]
    assert [set(read_list(part / "reco2file_and_channel")) for part in segmented] == [{"rec1"}, {"rec1"}, {"rec2"}]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.data())
def test_parts_are_contiguous_and_not_empty(sizes, data):
    parts = data.draw(st.integers(1, len(sizes)))
    bounds = split.contiguous_parts(sizes, parts)
    assert bounds[0] == 0 and bounds[-1] == len(sizes) and len(bounds) == parts + 1
    assert all(first < last for first, last in zip(bounds, bounds[1:], strict=False))


def test_subsets():
    folder = make()
    assert subset.first(folder, 2) == ["ann-0", "ann-1"]
    assert subset.shortest(folder, 3) == ["ann-0", "ann-1", "ann-2"]
    drawn = subset.at_random(folder, 4, seed=1)
    assert len(set(drawn)) == 4 and drawn == subset.at_random(folder, 4, seed=1) != subset.at_random(folder, 4, seed=2)
    assert subset.of_speakers(folder, ["bob"]) == ["bob-0", "bob-1", "bob-2"]
    subset.subset(folder, "part", drawn)
    assert validate("part") == [] and DataDir("part").utterances == drawn
    (Path("part") / "feats.scp").write_text("stale x.ark:1\n")
    subset.subset(folder, "part", ["ann-0"])
    assert not (Path("part") / "feats.scp").exists() and validate("part") == []
    (folder / "feats.yaml").write_text("hop: 256\n")
    subset.subset(folder, "part", ["ann-0"])
    assert (Path("part") / "feats.yaml").is_file()
    (folder / "feats.yaml").unlink()
    subset.subset(folder, "part", ["ann-0"])
    assert not (Path("part") / "feats.yaml").exists()
    for call in (
        lambda: subset.first(folder, 14),
        lambda: subset.first(folder, 0),
        lambda: subset.of_speakers(folder, ["zoe"]),
        lambda: subset.subset(folder, "x", ["none"]),
        lambda: subset.subset(folder, "x", []),
        lambda: subset.subset(folder, folder, ["ann-0"]),
    ):
        with pytest.raises(DataDirError):
            call()


def test_combining():
    first, second = make("first"), make("second", "x")
    (second / "accent").unlink()
    notes = combine.combine([first, second], "both")
    assert notes == ["both: accent is left out, since second has none"]
    assert validate("both") == [] and len(DataDir("both").utterances) == 26
    assert len(read_list("both/spk1.scp")) == 24 and Path("both/frame_shift").read_text() == "0.01\n"
    with pytest.raises(DataDirError, match="'ann-0' is also in first"):
        combine.combine([first, first], "twice")
    notes = combine.combine([first, make_segmented()], "mixed")
    assert validate("mixed") == []
    waves = DataDir("mixed").waves(rate=RATE)
    assert len(waves["s-a"]) == 2000 and len(waves["ann-1"]) == 880
    assert any("text is left out" in note for note in notes)
    (second / "wav.scp").unlink()
    with pytest.raises(DataDirError, match="^second: has no wav.scp, so that .* segments as in seg; add wav.scp, or"):
        combine.combine([first, second, "seg"], "none")


def test_labels_that_some_utterances_lack_are_joined():
    first, second = make("first"), make("second", "x")
    write_list(first / "utt2emotion", {"ann-0": "angry"})
    assert combine.combine([first, second], "both") == []
    assert read_list("both/utt2emotion") == {"ann-0": "angry"} and validate("both") == []


def test_splitting_and_combining_give_the_directory_back():
    folder = make()
    parts = split.split(folder, 4, by_utterance=True)
    random.Random(0).shuffle(parts)
    assert combine.combine(parts, "again") == []
    for file in Path("again").iterdir():
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
    assert {f.name for f in folder.iterdir() if f.is_file() and f.suffix != ".ark"} == {
        f.name for f in Path("again").iterdir()
    }


def test_speed_perturbation():
    folder = make()
    assert perturb.perturb_speed(folder, "sp") == []
    assert validate("sp") == []
    data = DataDir("sp")
    assert len(data.utterances) == 39 and "sp0.9-ann-1" in data.utterances and "sp1.1-ann-1" in data.utterances
    utt2spk = data.read("utt2spk")
    assert utt2spk["sp1.1-ann-1"] == "sp1.1-ann" and utt2spk["ann-1"] == "ann"
    assert data.read("utt2uniq")["sp0.9-bob-2"] == "bob-2" and data.read("text")["sp0.9-bob-2"] == "one two"
    waves, clean = data.waves(rate=RATE), data.waves("spk1.scp", rate=RATE)
    assert len(waves["sp0.9-dan-3"]) == round(1760 / 0.9) and len(waves["sp1.1-dan-3"]) == round(1760 / 1.1)
    np.testing.assert_allclose(clean["sp1.1-dan-3"], 0.5 * waves["sp1.1-dan-3"], atol=2e-4)
    np.testing.assert_array_equal(waves["dan-3"], DataDir(folder).waves()["dan-3"])
    assert "sp0.9-ann-0" not in clean
    assert data.durations()["sp0.9-dan-3"] == pytest.approx(1760 / 0.9 / RATE, abs=2e-4)
    # At speed 1.1 a tone of 440 Hz sounds at 484 Hz.
    want = 0.5 * np.sin(2 * np.pi * 484 * np.arange(1600) / RATE)
    np.testing.assert_allclose(waves["sp1.1-dan-3"][100:1500], want[100:1500], atol=2e-3)


def test_speed_perturbation_keeps_the_clean_utterances_that_utt2uniq_names():
    folder = make()
    write_list(folder / "utt2uniq", {"ann-1": "ann-0"})
    perturb.perturb_speed(folder, "sp", [1.0, 0.9])
    unique = read_list("sp/utt2uniq")
    assert validate("sp") == [] and unique["ann-1"] == unique["sp0.9-ann-1"] == "ann-0"
    assert unique["bob-2"] == unique["sp0.9-bob-2"] == "bob-2"


@pytest.mark.parametrize("factors", [[1.0], [0.9]])
def test_speed_perturbation_refuses_utterances_without_audio(factors):
    folder = make()
    lines = (folder / "wav.scp").read_text().splitlines(keepends=True)
    (folder / "wav.scp").write_text("".join(lines[:-2]))
    with pytest.raises(
        DataDirError, match=r"2 utterances have no audio in wav.scp, the first is 'dan-2'; run nrsr fix"
    ):
        perturb.perturb_speed(folder, "sp", factors)
    assert not Path("sp").exists()


def test_speed_perturbation_of_segments_and_of_loud_audio():
    folder = make_segmented()
    loud = np.sign(tone(RATE)).astype(np.float32)
    soundfile.write("rec1.wav", loud, RATE, subtype="FLOAT")
    notes = perturb.perturb_speed(folder, "sp", [1.0, 0.9])
    assert any("reco2file_and_channel" in note for note in notes)
    assert validate("sp") == []
    waves = DataDir("sp").waves(rate=RATE)
    assert len(waves["sp0.9-s-a"]) == round(2000 / 0.9) and len(waves["s-a"]) == 2000
    seconds = read_list("sp/utt2dur")  # s-b ends behind its recording
    assert seconds["s-b"] == "0.7500" and seconds["sp0.9-s-b"] == "0.8334"
    assert 0.99 < np.abs(waves["sp0.9-s-a"]).max() <= 1.0
    for factors in ([], [0.0], [1.1, 1.1], [float("nan")]):
        with pytest.raises(DataDirError, match="speeds"):
            perturb.perturb_speed(folder, "sp2", factors)
