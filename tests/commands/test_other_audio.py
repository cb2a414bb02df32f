"""Commands that read audio: a recording of another length than utt2dur is refused, and --channel chooses of several."""

import numpy as np
import pytest
import soundfile

from nrsr.kaldi import DataDir, read_list, write_list

RATE = 8000
CONFIG = "sample_rate: 8000\nfeatures: {class: nrsr.signal.Fbank, num_mel_bins: 10}\n"


@pytest.fixture
def stereo(tmp_path):
    """Two utterances of two speakers, and a noise, silent on the left; features need sound to be told apart."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "fbank.yaml").write_text(CONFIG)
    entries = {}
    for name in ("a-1", "b-1"):
        right = rng.uniform(-0.3, 0.3, 4000)
        soundfile.write(tmp_path / f"{name}.wav", np.stack([np.zeros(4000), right], axis=1), RATE, subtype="FLOAT")
        entries[name] = tmp_path / f"{name}.wav"
    write_list(folder / "wav.scp", entries)
    write_list(folder / "utt2spk", {name: name[0] for name in entries})
    write_list(folder / "spk2utt", {name[0]: name for name in entries})
    write_list(folder / "utt2noise", dict.fromkeys(entries, "hum"))
    write_list(folder / "utt2dur", dict.fromkeys(entries, "0.5"))
    noise = tmp_path / "noise"
    noise.mkdir()
    for name in ("wav.scp", "utt2spk", "utt2noise"):
        write_list(noise / name, read_list(folder / name))
    return tmp_path


def commands(tmp_path):
    """The commands that take any data directory, each with what it needs."""
    data, noise = tmp_path / "data", tmp_path / "noise"
    return {
        "make-feats": ("--config", tmp_path / "fbank.yaml", data),
        "mix": ("--speech", data, "--noise", noise, "--snr", "5", "--out", tmp_path / "mix"),
        "mix-speakers": ("--speech", data, "--noise", noise, "--snr", "5", "--out", tmp_path / "mix"),
        "perturb-speed": ("--speeds", "1.1", data, tmp_path / "sp"),
    }


@pytest.mark.parametrize("name", ["make-feats", "mix", "mix-speakers", "perturb-speed"])
def test_commands(stereo, nrsr_main, name):
    arguments = commands(stereo)[name]
    status, _, err = nrsr_main(name, *arguments)
    assert status == 1 and "has 2 channels" in err and "--channel" in err
    assert nrsr_main(name, *arguments, "--channel", "x")[0] != 0
    status, _, err = nrsr_main(name, *arguments, "--channel", "1")
    assert status == 0, err
    if name == "mix":
        right = soundfile.read(stereo / "a-1.wav", dtype="float32")[0][:, 1]
        clean = DataDir(stereo / "mix").waves("spk1.scp")["a-1"]
        np.testing.assert_allclose(clean / np.abs(clean).max(), right / np.abs(right).max(), atol=1e-3)
    write_list(stereo / "data" / "utt2dur", {"a-1": "0.5", "b-1": "0.4"})
    status, _, err = nrsr_main(name, *arguments, "--channel", "1")
    assert status == 1 and "'b-1': utt2dur says 0.400 s, the audio has 0.500 s" in err and err.count("\n") == 1


def test_validation_says_that_recordings_are_stereo(stereo, nrsr_main):
    status, out, err = nrsr_main("validate-data", stereo / "data")
    assert status == 0 and "2 of 2 recordings have several channels" in err and "valid" in out
    assert nrsr_main("validate-data", "--channel", "1", stereo / "data")[2] == ""
