"""Failures of data directories: validation names each one, fixing cures it."""

from pathlib import Path

import pytest
from toy_datadirs import edit, make, make_segmented

from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.fix import fix
from nrsr.kaldi.validate import validate

pytestmark = pytest.mark.usefixtures("datadirs_in_tmp")

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


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("utt2noise", "zoe-1 rain", "utterance"),
        ("spk1.scp", "zoe-1 none.wav", "utterance"),
        ("spk2gender", "zoe f", "speaker"),
    ],
)
def test_nothing_is_dropped_in_silence(name, line, kind):
    folder = make()
    with (folder / name).open("a") as stream:
        stream.write(line + "\n")
    wanted = f"data/{name}: 1 lines dropped, since no utterance has the {kind}: {line.split()[0]}"
    assert fix(folder) == [wanted] and fix(folder) == []
    assert len(DataDir(folder).utterances) == 13


def test_streams_of_unknown_length_stay():
    folder = make_segmented()
    content = bytearray(Path("rec1.wav").read_bytes())
    content[4:8], content[40:44] = (2000000036).to_bytes(4, "little"), (2000000000).to_bytes(4, "little")
    Path("rec1.wav").write_bytes(content)
    assert fix(folder) == [] and len(DataDir(folder).utterances) == 3
