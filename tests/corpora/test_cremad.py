"""Preparation of CREMA-D on a small tree of its exact shape."""

import pytest
from toy_wavs import write_noises, write_tone

from nrsr.corpora import cremad
from nrsr.corpora.cremad import ACTORS, WOMEN, CremadError
from nrsr.corpora.recordings import RecordingsError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SETS = ("train_clean", "dev_clean", "test_clean")


@pytest.fixture
def tree(tmp_path):
    """Two recordings of each actor, the one whose intensity is a single X, and the one that has no sound."""
    for actor in ACTORS:
        for name in ("IEO_SAD_HI", "DFA_NEU_XX"):
            write_tone(tmp_path / "cremad" / "AudioWAV" / f"{actor}_{name}.wav", 0.1, 160, 16000)
    write_tone(tmp_path / "cremad" / "AudioWAV" / "1040_ITH_SAD_X.wav", 0.1, 160, 16000)
    write_tone(tmp_path / "cremad" / "AudioWAV" / cremad.SILENT, 0.0, 0, 16000)
    return tmp_path / "cremad"


def test_folds_share_no_speaker_and_have_men_and_women(tree, tmp_path, nrsr_main):
    write_noises(tmp_path / "noise")
    tested = []
    for fold in range(4):
        options = ["--corpus-dir", tree, "--noise-dir", tmp_path / "noise", "--out", tmp_path / "data", "--fold", fold]
        status, _, err = nrsr_main("prepare", "cremad", *options)
        assert status == 0
        assert (
            "1076_MTI_SAD_XX.wav: has no sound and is left out" in err and "184 recordings; the corpus has 7442" in err
        )
        held = [DataDir(tmp_path / "data" / name) for name in SETS]
        voices = [set(data.read("utt2spk").values()) for data in held]
        assert sum(map(len, voices)) == len(set.union(*voices)) == 91
        for data, count in zip(held, voices, strict=True):
            assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
            assert 0.4 < len(count & set(WOMEN)) / len(count) < 0.55
        tested += voices[2]
    assert sorted(tested) == list(ACTORS)
    assert any(data.read("utt2intensity").get("1040_ITH_SAD_X") == "unspecified" for data in held)
    data = next(data for data in held if "1002_IEO_SAD_HI" in data.utterances)
    lists = [data.read(name)["1002_IEO_SAD_HI"] for name in ("text", "utt2emotion", "utt2intensity", "utt2sentence")]
    assert lists == ["it's eleven o'clock", "sad", "high", "IEO"]
    assert data.read("spk2gender")["1002"] == "f"


def test_what_is_missing_is_named(tree, tmp_path):
    assert cremad.check(tree) == [] and "no such folder; clone" in cremad.check(tmp_path)[0]
    with pytest.raises(CremadError, match="nowhere: no such folder; download 'Nonspeech Sounds'"):
        cremad.prepare(tree, tmp_path / "data", tmp_path / "nowhere")
    waves = tree / "AudioWAV"
    (waves / "1092_DFA_NEU_XX.wav").write_bytes(b"")
    (waves / "1001_DFA_NEU_XX.wav").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(RecordingsError, match=r"1 recordings cannot be read, first: .*1001_DFA_NEU_XX.*git-lfs"):
        cremad.prepare(tree, tmp_path / "data")
    (waves / "1001_DFA_NEU_XX.wav").unlink()
    notes = cremad.prepare(tree, tmp_path / "data").notes
    assert any("1 files that are no recordings are left out: 1092_DFA_NEU_XX.wav" in note for note in notes)
    (waves / "1001_IEO_SAD_HI.wav").unlink()
    with pytest.raises(CremadError, match="no recordings of 1 actors, 1001; clone"):
        cremad.prepare(tree, tmp_path / "data")
