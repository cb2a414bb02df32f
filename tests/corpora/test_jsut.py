"""Preparation of JSUT on a small tree of its exact shape, with labels of silence and without."""

import numpy as np
import pytest
from toy_wavs import wav_file

from nrsr.corpora import jsut
from nrsr.corpora.jsut import JsutError
from nrsr.corpora.last_ones import TooFewError
from nrsr.corpora.phone_labels import LabelError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

# How recordings of a part are named, and how many the small tree has.
SMALL = {
    "basic5000": ("BASIC5000_{:04d}", 40),
    "countersuffix26": ("COUNTERSUFFIX26_{:02d}", 2),
    "loanword128": ("LOANWORD128_{:03d}", 2),
    "onomatopee300": ("ONOMATOPEE300_{:03d}", 2),
    "precedent130": ("PRECEDENT130_{:03d}", 2),
    "repeat500": ("REPEAT500_set1_{:03d}", 2),
    "travel1000": ("TRAVEL1000_{:04d}", 50),
    "utparaphrase512": ("UT-PARAPHRASE-sent{:03d}-phrase1", 350),
    "voiceactress100": ("VOICEACTRESS100_{:03d}", 100),
}


@pytest.fixture
def tree(tmp_path):
    """550 recordings at 48 kHz: 10 ms of silence, 20 of speech and 10 of silence."""
    silence = np.zeros(480)
    content = wav_file(np.concatenate([silence, np.full(960, 0.25), silence]), 48000)
    for part, (form, count) in SMALL.items():
        (tmp_path / "jsut" / part / "wav").mkdir(parents=True)
        names = [form.format(number) for number in range(1, count + 1)]
        for name in names:
            (tmp_path / "jsut" / part / "wav" / f"{name}.wav").write_bytes(content)
        lines = "".join(f"{name}:水を、 買う。\n" for name in names)
        (tmp_path / "jsut" / part / "transcript_utf8.txt").write_text(lines, encoding="utf-8")
    return tmp_path / "jsut"


def add_labels(tree):
    for part in SMALL:
        (tree / part / "lab").mkdir()
        for path in (tree / part / "wav").iterdir():
            label = "0 100000 xx^xx-sil+m=i\n100000 300000 xx^sil-m+i=z\n300000 400000 i^z-sil+xx=xx\n"
            (tree / part / "lab" / f"{path.stem}.lab").write_text(label)


def test_the_last_of_all_parts_are_held_out_and_keep_their_ends(tree, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "jsut", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 0 and "50 resampled from 48000 Hz" in out
    assert "basic5000: 40 recordings; the corpus has 5000" in err and "voiceactress100: 100" not in err
    assert "basic5000/lab: no such folder, so that recordings keep the silence at their ends" in err
    held = {name: DataDir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    assert [len(data.utterances) for data in held.values()] == [50, 250, 250]
    assert {name.split("_")[0] for name in held["train"].utterances} >= {"jsut-BASIC5000", "jsut-REPEAT500"}
    assert all("PARAPHRASE" in name or "TRAVEL" in name for name in held["dev"].utterances)
    assert held["test"].utterances[-100:] == [f"jsut-VOICEACTRESS100_{number:03d}" for number in range(1, 101)]
    for data in held.values():
        assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    assert held["test"].read("text")["jsut-VOICEACTRESS100_001"] == "水を、買う。"
    assert len(held["test"].waves(rate=24000)["jsut-VOICEACTRESS100_001"]) == 960


def test_labels_cut_the_silence_off(tree, tmp_path):
    add_labels(tree)
    done = jsut.prepare(tree, tmp_path / "data", rate=48000)
    assert not any("keep the silence" in note for note in done.notes)
    wave = DataDir(tmp_path / "data" / "test").waves(rate=48000)["jsut-VOICEACTRESS100_001"]
    assert len(wave) == 960 and wave.min() == wave.max() == 0.25
    (tree / "travel1000" / "lab" / "TRAVEL1000_0007.lab").unlink()
    with pytest.raises(LabelError, match=r"travel1000/lab: 1 labels are missing, first TRAVEL1000_0007\.lab"):
        jsut.prepare(tree, tmp_path / "data")


def test_what_is_missing_is_named(tree, tmp_path, nrsr_main):
    assert len(jsut.check(tmp_path)) == 18 and jsut.check(tree) == []
    with pytest.raises(TooFewError, match="40 recordings, of which 500 are not for training: too few"):
        jsut.prepare(tree, tmp_path / "data", parts=["basic5000"])
    with pytest.raises(JsutError, match="basic500: the parts of JSUT are basic5000 countersuffix26"):
        jsut.prepare(tree, tmp_path / "data", parts=["basic500"])
    (tree / "repeat500" / "wav" / "REPEAT500_set1_002.wav").unlink()
    with pytest.raises(JsutError, match=r"repeat500/wav: 1 recordings are missing, first REPEAT500_set1_002\.wav"):
        jsut.prepare(tree, tmp_path / "data")
    transcript = tree / "repeat500" / "transcript_utf8.txt"
    transcript.write_text("REPEAT500_set1_001:水\n\n水\n", encoding="utf-8")
    with pytest.raises(JsutError, match=r"transcript_utf8\.txt:3: expected NAME:SENTENCE"):
        jsut.prepare(tree, tmp_path / "data")
    (tree / "travel1000" / "transcript_utf8.txt").unlink()
    status, _, err = nrsr_main("prepare", "jsut", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 1 and "travel1000/transcript_utf8.txt: no such file; unpack jsut_ver1.1.zip" in err
