"""Preparation of VCTK on small trees of the exact shapes of both versions."""

import numpy as np
import pytest
import soundfile
from toy_wavs import write_tone

from nrsr.corpora import vctk
from nrsr.corpora.last_ones import TooFewError
from nrsr.corpora.vctk import VctkError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SETS = ("train", "dev", "test")
NUMBERS = [f"{number:03d}" for number in range(1, 24)]


def write_texts(root, *speakers):
    for speaker in speakers:
        (root / "txt" / speaker).mkdir(parents=True)
        for number in NUMBERS:
            (root / "txt" / speaker / f"{speaker}_{number}.txt").write_text("Please call Stella.\n")


@pytest.fixture
def new(tmp_path):
    """Version 0.92: FLAC of two microphones (values 0.1 and 0.2); p315 has no texts, p280 one microphone."""
    root = tmp_path / "new"
    for speaker, microphones in (("p225", (1, 2)), ("p280", (1,)), ("p315", (1,)), ("s5", (1, 2))):
        folder = root / "wav48_silence_trimmed" / speaker
        folder.mkdir(parents=True)
        for microphone in microphones:
            soundfile.write(folder / "x.flac", np.full(48, 0.1 * microphone), 48000)
            content = (folder / "x.flac").read_bytes()
            (folder / "x.flac").unlink()
            for number in NUMBERS:
                (folder / f"{speaker}_{number}_mic{microphone}.flac").write_bytes(content)
    (root / "wav48_silence_trimmed" / "log.txt").write_text("")
    write_texts(root, "p225", "p280", "s5")
    return root


def test_of_each_speaker_the_last_ones_are_held_out(new, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "vctk", "--corpus-dir", new, "--out", tmp_path / "data")
    assert status == 0 and "9 resampled from 48000 Hz" in out
    assert "p315: 23 recordings without text are left out: p315_001_mic1.flac" in err
    for name, numbers in zip(SETS, (NUMBERS[:3], NUMBERS[3:13], NUMBERS[13:]), strict=True):
        data = DataDir(tmp_path / "data" / name)
        assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
        assert data.utterances == [f"{speaker}_{number}" for speaker in ("p225", "p280", "s5") for number in numbers]
        assert set(data.read("text").values()) == {"please call stella"}
    done = vctk.prepare(new, tmp_path / "second", rate=48000, microphone=2)
    assert any("p280: no recordings p280_NUMBER_mic2.flac; the speaker is left out" in note for note in done.notes)
    wave = DataDir(tmp_path / "second" / "dev").waves(rate=48000)["p225_004"]
    np.testing.assert_allclose(wave, 0.2, atol=1e-4)


@pytest.fixture
def old(tmp_path):
    """Before 0.92: WAV of 40 ms, and labels of speech from 10 to 30 ms."""
    root = tmp_path / "old"
    for speaker in ("p225", "p226"):
        (root / "lab" / "mono" / speaker).mkdir(parents=True)
        for number in NUMBERS:
            write_tone(root / "wav48" / speaker / f"{speaker}_{number}.wav", 0.1, 1920, 48000)
            label = "0 100000 pau\n100000 300000 ae\n300000 400000 pau\n"
            (root / "lab" / "mono" / speaker / f"{speaker}_{number}.lab").write_text(label)
    write_texts(root, "p225", "p226")
    return root


def test_the_older_version_loses_silence_by_its_labels(old, tmp_path):
    (old / "lab" / "mono" / "p226" / "p226_002.lab").unlink()
    done = vctk.prepare(old, tmp_path / "data")
    assert done.notes == [f"{old}/wav48/p226: 1 recordings without text or label are left out: p226_002.wav"]
    assert "p226_002" not in DataDir(tmp_path / "data" / "train").utterances
    assert len(DataDir(tmp_path / "data" / "dev").waves(rate=24000)["p225_005"]) == 480
    (old / "lab").rename(old / "labels")
    done = vctk.prepare(old, tmp_path / "data")
    assert any("lab: no such folder, so that recordings keep the silence at their ends" in note for note in done.notes)
    assert len(DataDir(tmp_path / "data" / "dev").waves(rate=24000)["p225_005"]) == 960


def test_what_is_missing_is_named(old, tmp_path):
    assert len(vctk.check(tmp_path)) == 2 and vctk.check(old) == []
    for number in NUMBERS[:3]:
        (old / "txt" / "p225" / f"p225_{number}.txt").unlink()
    with pytest.raises(TooFewError, match="20 recordings, of which 20 are not for training: too few; of speaker p225"):
        vctk.prepare(old, tmp_path / "data")
    for path in [*(old / "txt").glob("*/*.txt")]:
        path.unlink()
    with pytest.raises(VctkError, match=r"no recordings SPEAKER/SPEAKER_NUMBER\.wav with their texts; unpack"):
        vctk.prepare(old, tmp_path / "data")
