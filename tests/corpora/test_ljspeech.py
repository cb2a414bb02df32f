"""Preparation of LJSpeech on a small tree of its exact shape."""

import pytest
from toy_wavs import write_tone

from nrsr.corpora import ljspeech
from nrsr.corpora.ljspeech import LjspeechError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

NAMES = [f"LJ{book:03d}-{number:04d}" for book in (1, 2, 50) for number in range(1, 171)]


@pytest.fixture
def tree(tmp_path):
    """510 recordings, of which the value says the number."""
    for number, name in enumerate(NAMES):
        write_tone(tmp_path / "LJ" / "wavs" / f"{name}.wav", (number + 1) / 32768, 20, 22050)
    lines = [
        f'{name}|Dr. No said "no" {number} times|Doctor No said "no" {number} times'
        for number, name in enumerate(NAMES)
    ]
    (tmp_path / "LJ" / "metadata.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "LJ"


def test_the_last_recordings_are_held_out(tree, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "ljspeech", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 0 and "resampled" not in out
    assert err.strip() == f"nrsr prepare ljspeech: {tree / 'wavs'}: 510 recordings; the corpus has 13100"
    held = {name: DataDir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    assert [data.utterances for data in held.values()] == [NAMES[:10], NAMES[10:260], NAMES[260:]]
    for data in held.values():
        assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    waves = held["dev"].waves(rate=22050)
    assert round(waves[NAMES[10]][0] * 32768) == 11
    assert held["dev"].read("text")[NAMES[10]] == "doctor no said no 10 times"


def test_what_is_missing_is_named(tree, tmp_path):
    def refused(message: str, kind: type[Exception] = LjspeechError) -> None:
        with pytest.raises(kind, match=message):
            ljspeech.prepare(tree, tmp_path / "data")

    assert len(ljspeech.check(tmp_path)) == 2 and ljspeech.check(tree) == []
    metadata = tree / "metadata.csv"
    lines = metadata.read_text()
    metadata.write_text(lines.replace("\n", "\nno words\n", 1))
    refused(r"metadata\.csv:2: expected ID\|as printed\|as spoken, found 'no words'")
    metadata.write_text("".join(lines.splitlines(keepends=True)[:-2]))
    refused(rf"metadata\.csv: no line on 2 recordings, first {NAMES[-2]}\.wav")
    metadata.write_text(lines)
    (tree / "wavs" / "README").write_text("")
    assert any("left out: README" in note for note in ljspeech.prepare(tree, tmp_path / "data").notes)
    (tree / "wavs" / f"{NAMES[7]}.wav").unlink()
    refused(rf"1 of 510 recordings are missing, first {NAMES[7]}\.wav; unpack")
