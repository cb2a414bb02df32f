"""Preparation of CSMSC on a small tree of its exact shape."""

import pytest
from toy_wavs import write_tone

from nrsr.corpora import csmsc
from nrsr.corpora.csmsc import CsmscError
from nrsr.corpora.phone_labels import LabelError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

NUMBERS = [f"{number:06d}" for number in range(1, 206)]
GRID = 'File type = "ooTextFile short"\n"TextGrid"\n\n0\n0.03\n<exists>\n1\n"IntervalTier"\n"x"\n0\n0.03\n3\n'
GRID += '0\n0.005\n"sil"\n0.005\n0.02\n"k"\n0.02\n0.03\n"sil"\n'


@pytest.fixture
def tree(tmp_path):
    """205 recordings of 30 ms at 48 kHz, speech from 5 to 20 ms."""
    root = tmp_path / "csmsc"
    lines = []
    for number in NUMBERS:
        write_tone(root / "Wave" / f"{number}.wav", 0.1, 1440, 48000)
        lines += [f"{number}\t卡尔普#2陪外孙#1玩滑梯#4。\n", "\tka2 er2 pu3 pei2 wai4 sun1 wan2 hua2 ti1\n"]
    (root / "ProsodyLabeling").mkdir()
    (root / "ProsodyLabeling" / "000001-010000.txt").write_text("".join(lines), encoding="utf-8")
    (root / "PhoneLabeling").mkdir()
    for number in NUMBERS:
        (root / "PhoneLabeling" / f"{number}.interval").write_text(GRID)
    return root


def test_the_last_are_held_out_and_the_silence_is_cut_off(tree, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "csmsc", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 0 and "100 resampled from 48000 Hz" in out and "205 recordings; the corpus has 10000" in err
    held = {name: DataDir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    names = [f"csmsc-{number}" for number in NUMBERS]
    assert [data.utterances for data in held.values()] == [names[:5], names[5:105], names[105:]]
    for data in held.values():
        assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    assert held["dev"].read("text")["csmsc-000006"] == "卡尔普陪外孙玩滑梯"
    assert len(held["dev"].waves(rate=24000)["csmsc-000006"]) == 360


def test_what_is_missing_is_named(tree, tmp_path):
    assert len(csmsc.check(tmp_path)) == 2 and csmsc.check(tree) == []
    (tree / "PhoneLabeling" / "000011.interval").unlink()
    with pytest.raises(LabelError, match=r"PhoneLabeling: 1 labels are missing, first 000011\.interval"):
        csmsc.prepare(tree, tmp_path / "data")
    (tree / "PhoneLabeling").rename(tree / "labels")
    notes = csmsc.prepare(tree, tmp_path / "data", rate=48000).notes
    assert any("PhoneLabeling: no such folder, so that recordings keep the silence" in note for note in notes)
    assert len(DataDir(tmp_path / "data" / "dev").waves(rate=48000)["csmsc-000006"]) == 1440
    write_tone(tree / "Wave" / "000300.wav", 0.1, 100, 48000)
    with pytest.raises(CsmscError, match=r"no sentence of 1 recordings, first 000300\.wav"):
        csmsc.prepare(tree, tmp_path / "data")
    (tree / "Wave" / "000200.wav").rename(tree / "Wave" / "200.wav")
    with pytest.raises(CsmscError, match=r"Wave: 1 of 205 recordings are missing, first 000200\.wav; unpack"):
        csmsc.prepare(tree, tmp_path / "data")
    csmsc.transcript_of(tree).write_text("nothing\n")
    with pytest.raises(CsmscError, match="no lines of the form"):
        csmsc.prepare(tree, tmp_path / "data")
