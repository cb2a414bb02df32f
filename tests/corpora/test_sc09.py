"""Preparation of the digits of Speech Commands on a small tree of its exact shape."""

import pytest
from toy_wavs import write_tone

from nrsr.corpora import sc09
from nrsr.corpora.digits import DIGITS
from nrsr.corpora.recordings import RecordingsError
from nrsr.corpora.sc09 import Sc09Error
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SPEAKERS = {"train": ("0a7c2a8d", "ffa76c4a"), "dev": ("0132a06d",), "test": ("0ff728b5",)}


@pytest.fixture
def tree(tmp_path):
    """Two takes of each digit by four speakers, one of them shorter than a second; and a word that is no digit."""
    root = tmp_path / "corpus"
    listed = {"dev": [], "test": []}
    for word in (*DIGITS, "bed"):
        for name, speakers in SPEAKERS.items():
            for speaker in speakers:
                for take in (0, 1):
                    file = f"{word}/{speaker}_nohash_{take}.wav"
                    write_tone(root / file, 0.1, 160 - 20 * take, 16000)
                    if name != "train":
                        listed[name].append(file)
    for name, file in sc09.LISTS.items():
        (root / file).write_text("\n".join(listed[name]) + "\n")
    (root / "_background_noise_").mkdir()
    return root


def test_sets_are_those_of_the_lists_and_only_digits_are_taken(tree, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "sc09", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 0 and "40 utterances     40 words   2 speakers" in out
    assert err.strip() == f"nrsr prepare sc09: {tree}: 40 training recordings; version 0.01 of the corpus has 18620"
    for name, speakers in SPEAKERS.items():
        assert validate(tmp_path / "data" / name, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
        data = DataDir(tmp_path / "data" / name)
        assert set(data.read("utt2spk").values()) == set(speakers)
        assert set(data.read("text").values()) == set(DIGITS)
    data = DataDir(tmp_path / "data" / "dev")
    assert data.read("text")["0132a06d-seven-1"] == "seven"
    waves = data.waves(rate=16000)
    assert [len(waves[f"0132a06d-seven-{take}"]) for take in (0, 1)] == [160, 140]


def test_what_is_missing_or_not_as_usual_is_named(tree, tmp_path):
    assert sc09.check(tree) == [] and len(sc09.check(tmp_path)) == 12
    (tree / "zero" / "._0132a06d_nohash_0.wav").write_bytes(b"\x00")
    (tree / "zero" / "notes.txt").write_text("")
    (tree / "zero" / "0132a06d_nohash_7.wav").write_bytes((tree / "zero" / "0132a06d_nohash_0.wav").read_bytes())
    notes = sc09.prepare(tree, tmp_path / "data").notes
    assert any("1 speakers are in train and dev: 0132a06d" in note for note in notes)
    assert any("1 files that are no recordings are left out: zero/notes.txt" in note for note in notes)
    (tree / "two" / "0a7c2a8d_nohash_0.wav").write_bytes(b"RIFF")
    with pytest.raises(RecordingsError, match=r"1 recordings cannot be read, first: .*two/0a7c2a8d_nohash_0\.wav"):
        sc09.prepare(tree, tmp_path / "data")
    (tree / "nine" / "0ff728b5_nohash_1.wav").unlink()
    message = r"testing_list\.txt: 1 recordings that it names are missing, first nine/0ff728b5_nohash_1\.wav; unpack"
    with pytest.raises(Sc09Error, match=message):
        sc09.prepare(tree, tmp_path / "data")
