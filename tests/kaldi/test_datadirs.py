"""Data directories: validation names each failure, fixing cures it, and copies keep what belongs together."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nrsr.errors import NrsrError
from nrsr.kaldi import combine, perturb, split, subset
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.durations import write_utt2dur, write_utt2num_frames
from nrsr.kaldi.fix import fix
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.tables import TableWriter, WaveWriter
from nrsr.kaldi.validate import validate

RATE = 8000
SPEAKERS = {"ann": 5, "bob": 3, "cid": 1, "dan": 4}


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of small files: do not wait for the disk


def tone(samples: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.float32)


def make(path: str = "data", prefix: str = "") -> Path:
    """13 utterances of 4 speakers, all but the first with parallel clean speech."""
    folder = Path(path)
    folder.mkdir(parents=True)
    utt2spk = {f"{prefix}{spk}-{n}": prefix + spk for spk, count in SPEAKERS.items() for n in range(count)}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as waves:
        for n, utterance in enumerate(utt2spk):
            waves[utterance] = tone(800 + 80 * n)
    with WaveWriter(folder / "spk1.ark", folder / "spk1.scp", RATE) as waves:
        for n, utterance in enumerate(list(utt2spk)[1:], 1):
            waves[utterance] = 0.5 * tone(800 + 80 * n)
    write_list(folder / "utt2spk", utt2spk)
    write_list(
        folder / "spk2utt", {prefix + s: " ".join(f"{prefix}{s}-{n}" for n in range(c)) for s, c in SPEAKERS.items()}
    )
    write_list(folder / "text", dict.fromkeys(utt2spk, "one two"))
    write_list(folder / "utt2noise", dict.fromkeys(list(utt2spk)[1:], "rain"))
    write_list(folder / "spk2gender", {prefix + s: "f" for s in SPEAKERS})
    write_list(folder / "accent", dict.fromkeys(utt2spk, "en"))  # a name that nobody knows, listed by utterance
    (folder / "frame_shift").write_text("0.01\n")
    write_utt2dur(folder)
    return folder


def make_segmented() -> Path:
    """Two recordings of one second with three segments."""
    folder = Path("seg")
    folder.mkdir()
    for name in ("rec1", "rec2"):
        soundfile.write(f"{name}.wav", tone(RATE), RATE)
    write_list(folder / "wav.scp", {"rec1": "rec1.wav", "rec2": "rec2.wav"})
    write_list(folder / "segments", {"s-a": "rec1 0.0 0.25", "s-b": "rec1 0.25 1.2", "s-c": "rec2 0.5 -1"})
    write_list(folder / "utt2spk", dict.fromkeys(("s-a", "s-b", "s-c"), "s"))
    write_list(folder / "spk2utt", {"s": "s-a s-b s-c"})
    write_list(folder / "reco2file_and_channel", {"rec1": "rec1 A", "rec2": "rec2 A"})
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


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
    assert data.durations() == pytest.approx({"s-a": 0.25, "s-b": 0.95, "s-c": 0.5})


SPOILT = {
    "unsorted": (
        lambda d: (d / "text").write_text("".join(sorted((d / "text").open(), reverse=True))),
        "text:2",
        "sort",
    ),
    "duplicate": (lambda d: edit(d / "text", "ann-1 one", "ann-0 one"), "text:2", "line 1"),
    "blank line": (lambda d: edit(d / "utt2spk", "ann-1 ann\n", "\nann-1 ann\n"), "utt2spk:2", "blank"),
    "empty transcript": (lambda d: edit(d / "text", "ann-1 one two", "ann-1"), "text:2", "empty transcript"),
    "not UTF-8": (
        lambda d: (d / "text").write_bytes((d / "text").read_bytes().replace(b"one", b"\xe9", 1)),
        "text:1",
        "iconv",
    ),
    "missing id": (lambda d: edit(d / "text", "bob-1 one two\n", ""), "text: lacks", "bob-1"),
    "foreign id": (lambda d: edit(d / "text", "bob-1 ", "bob-1x "), "text:7", "bob-1x"),
    "foreign clean": (lambda d: edit(d / "spk1.scp", "bob-1 ", "bob-1x "), "spk1.scp:6", "bob-1x"),
    "foreign noise": (lambda d: edit(d / "utt2noise", "bob-1 ", "bob-1x "), "utt2noise:6", "bob-1x"),
    "foreign gender": (lambda d: edit(d / "spk2gender", "bob ", "bo "), "spk2gender:2", "'bo'"),
    "spk2utt": (lambda d: edit(d / "spk2utt", "bob-1 ", ""), "spk2utt:2", "fix-data"),
    "no spk2utt": (lambda d: (d / "spk2utt").unlink(), "spk2utt: is missing", "fix-data"),
    "no wav.scp": (lambda d: (d / "wav.scp").unlink(), "wav.scp: is missing", "stage"),
    "prefix": (lambda d: edit(d / "utt2spk", "ann-1 ann", "ann-1 zoe"), "utt2spk:3", "prefixes"),
    "missing audio": (lambda d: edit(d / "wav.scp", "data/wav.ark", "none/wav.ark"), "wav.scp:1", "no such file"),
    "truncated": (lambda d: (d / "wav.ark").write_bytes((d / "wav.ark").read_bytes()[:-9]), "wav.scp:13", "truncated"),
    "pipe": (lambda d: edit(d / "wav.scp", "data/wav.ark:6", "touch hacked |"), "wav.scp:1", "--allow-pipes"),
    "duration": (lambda d: edit(d / "utt2dur", "0.1000", "-3"), "utt2dur:1", "no positive number"),
    "stale duration": (lambda d: edit(d / "utt2dur", "0.1000", "0.9"), "utt2dur:1", "0.10 s"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_each_failure_is_named_and_fixed(what):
    folder = make()
    spoil, place, cure = SPOILT[what]
    spoil(folder)
    failures = validate(folder)
    assert any(failure.startswith(f"data/{place}") and cure in failure for failure in failures), failures
    assert not Path("hacked").exists()
    if what in ("prefix", "pipe", "stale duration", "no wav.scp"):
        return  # these need a decision of the user
    notes = fix(folder)
    assert validate(folder) == [], notes
    assert (folder / ".backup" / "text").is_file()
    dropped = 13 - len(DataDir(folder).utterances)
    assert dropped == sum("utterance" in note and "dropped:" in note for note in notes) - (what in ("foreign id",))
    assert all(note.startswith("data") and "\n" not in note for note in notes)
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert fix(folder) == []
    assert before == {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rec1 0.0 0.25", "rec1 0.0", "form"),
        ("rec1 0.0 0.25", "rec1 0.3 0.25", "must start"),
        ("rec1 0.0 0.25", "rec1 x 0.25", "no number"),
        ("rec1 0.0 0.25", "rec1 0.0 1.9", "behind the end"),
        ("rec1 0.0 0.25", "rec9 0.0 0.25", "rec9"),
    ],
)
def test_bad_segments(old, new, words):
    folder = make_segmented()
    edit(folder / "segments", old, new)
    assert any(words in failure and "seg/" in failure for failure in validate(folder))
    assert any("'s-a' dropped" in note for note in fix(folder))
    assert validate(folder) == [] and DataDir(folder).utterances == ["s-b", "s-c"]


def test_fix_changes_nothing_when_nothing_would_be_left():
    folder = make()
    (folder / "wav.ark").unlink()
    before = (folder / "text").read_bytes()
    with pytest.raises(DataDirError, match="no utterance would be left"):
        fix(folder)
    assert (folder / "text").read_bytes() == before and not (folder / ".backup").exists()


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


def test_speed_perturbation_of_segments_and_of_loud_audio():
    folder = make_segmented()
    loud = np.sign(tone(RATE)).astype(np.float32)
    soundfile.write("rec1.wav", loud, RATE, subtype="FLOAT")
    notes = perturb.perturb_speed(folder, "sp", [1.0, 0.9])
    assert any("reco2file_and_channel" in note for note in notes)
    assert validate("sp") == []
    waves = DataDir("sp").waves(rate=RATE)
    assert len(waves["sp0.9-s-a"]) == round(2000 / 0.9) and len(waves["s-a"]) == 2000
    assert 0.99 < np.abs(waves["sp0.9-s-a"]).max() <= 1.0
    for factors in ([], [0.0], [1.1, 1.1], [float("nan")]):
        with pytest.raises(DataDirError, match="speeds"):
            perturb.perturb_speed(folder, "sp2", factors)


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
        # Commands, speakers that are no prefixes and wrong durations are for the user to decide.
        assert [f for f in validate("bad", allow_pipes=True) if "prefixes" not in f and "remove utt2dur" not in f] == []
