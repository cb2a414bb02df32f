"""nrsr generate: the same from a seed whatever the batch, labels in turn or one, data directories, files, refusals."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
from toy_gans import RATE, WORDS, make_system, spec_of

from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.experiment.metadata import write_metadata
from nrsr.kaldi import DataDir, write_list
from nrsr.kaldi.validate import validate


def write_experiment(folder: Path, name: str, labelled: bool, **changes) -> Path:
    """An experiment with random weights."""
    config = {"sample_rate": RATE, "system": spec_of(name, **changes)}
    if labelled:
        config["data"] = {"labels": {"word": {"file": "text"}}}
        folder.mkdir(parents=True)
        write_metadata({"classes": {"word": WORDS}}, folder)
    save_yaml(config, folder / "config.yaml")
    save_checkpoint(folder / "model.pt", {"model": make_system(name, labelled, **changes).state_dict()})
    return folder


@pytest.fixture(scope="module")
def experiments(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exp")
    write_experiment(folder / "plain", "WaveGan", False)
    write_experiment(folder / "words", "WaveGan", True)
    write_experiment(folder / "images", "Gan", False)
    return folder


def waves_of(folder: Path) -> dict[str, np.ndarray]:
    waves = DataDir(folder).waves(rate=RATE)
    return {name: waves[name] for name in waves}


def test_a_data_directory_from_a_seed(nrsr_main, experiments, tmp_path):
    def generate(out, *options):
        options = ["--exp", experiments / "plain", "--out", tmp_path / out, *options]
        status, printed, err = nrsr_main("generate", *options)
        assert status == 0, err
        return printed

    printed = generate("data", "--count", 7, "--seed", 3)
    assert "7 utterances, 0.9 s of audio, real-time factor " in printed
    assert (tmp_path / "data/generate.log").read_text().splitlines()[-1] in printed
    assert validate(tmp_path / "data", need=("wav.scp", "utt2spk", "spk2utt", "utt2dur")) == []
    waves = waves_of(tmp_path / "data")
    assert list(waves) == [f"generated-{number:05}" for number in range(1, 8)]
    assert {len(wave) for wave in waves.values()} == {1024} and not (tmp_path / "data/text").exists()
    assert (tmp_path / "data/spectrograms.png").read_bytes().startswith(b"\x89PNG")
    generate("again", "--count", 5, "--seed", 3, "--batch-size", 2)
    for name, wave in waves_of(tmp_path / "again").items():
        assert np.abs(wave - waves[name]).max() <= 1 / 32768  # a rounding of 16 bits
    generate("other", "--count", 5, "--seed", 4)
    assert all(np.abs(wave - waves[name]).max() > 1e-3 for name, wave in waves_of(tmp_path / "other").items())


def test_labels_in_turn_or_one(nrsr_main, experiments, tmp_path):
    options = ["--exp", experiments / "words", "--count", 5]
    assert nrsr_main("generate", *options, "--out", tmp_path / "all")[0] == 0
    text = DataDir(tmp_path / "all").read("text")
    assert list(text.values()) == ["one", "three", "two", "one", "three"]
    assert nrsr_main("generate", *options, "--out", tmp_path / "threes", "--label", "three")[0] == 0
    assert set(DataDir(tmp_path / "threes").read("text").values()) == {"three"}
    one, other = waves_of(tmp_path / "all"), waves_of(tmp_path / "threes")
    same = [np.abs(one[name] - other[name]).max() < 1e-4 for name in one]
    assert same == [word == "three" for word in text.values()]  # the numbers drawn do not depend on the label
    # A folder of an earlier run: its lists of labels do not stay.
    assert nrsr_main("generate", "--exp", experiments / "plain", "--count", 2, "--out", tmp_path / "all")[0] == 0
    assert not (tmp_path / "all/text").exists() and len(waves_of(tmp_path / "all")) == 2


def test_wav_files(nrsr_main, experiments, tmp_path):
    out = tmp_path / "files"
    status, _, err = nrsr_main("generate", "--exp", experiments / "words", "--count", 3, "--wav-files", "--out", out)
    assert status == 0, err
    assert sorted(path.name for path in out.glob("wav/*.wav")) == [f"generated-0000{n}.wav" for n in (1, 2, 3)]
    wave, rate = soundfile.read(out / "wav/generated-00001.wav")
    assert rate == RATE and len(wave) == 1024
    assert not (out / "wav.ark").exists() and validate(out) == [] and len(waves_of(out)) == 3
    assert (out / "text").read_text().startswith("generated-00001 one\n")


def test_images_become_sound(nrsr_main, experiments, tmp_path):
    options = ["--exp", experiments / "images", "--count", 2, "--out", tmp_path / "data"]
    assert nrsr_main("generate", *options)[0] == 0
    assert all(len(wave) == 8192 and wave.std() > 1e-4 for wave in waves_of(tmp_path / "data").values())


def test_a_system_without_training_and_noise_that_can_be_mixed(nrsr_main, tmp_path):
    save_yaml(
        {"sample_rate": RATE, "system": {"class": "nrsr.systems.WhiteNoise", "samples": 4000}}, tmp_path / "n.yaml"
    )
    noise, speech = tmp_path / "noise", tmp_path / "speech"
    assert nrsr_main("generate", "--config", tmp_path / "n.yaml", "--count", 3, "--out", noise)[0] == 0
    assert all(wave.std() == pytest.approx(0.05, rel=0.1) for wave in waves_of(noise).values())
    write_list(noise / "utt2noise", dict.fromkeys(DataDir(noise).utterances, "white"))
    assert nrsr_main("generate", "--config", tmp_path / "n.yaml", "--count", 2, "--seed", 1, "--out", speech)[0] == 0
    mixing = ["--speech", speech, "--noise", noise, "--snr", "5", "--out", tmp_path / "mixed"]
    status, _, err = nrsr_main("mix", *mixing)
    assert status == 0 and "2 mixtures with 3 noises" in err


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("words", ["--count", 0], "--count 0: is too small"),
        ("words", ["--count", 3, "--batch-size", 0], "--batch-size 0: is too small"),
        ("words", ["--count", 3, "--label", "eleven"], "--label eleven: .*words knows one, three, two; take another"),
        ("plain", ["--count", 3, "--label", "one"], "--label one: .*plain was trained without labels"),
        ("nothing", ["--count", 3], "nothing/config.yaml: no such file"),
    ],
)
def test_refusals(nrsr_main, experiments, tmp_path, name, options, message):
    status, _, err = nrsr_main("generate", "--exp", experiments / name, "--out", tmp_path / "out", *options)
    assert status == 1 and err.count("\n") == 1
    assert re.search(message, err), err
    assert not (tmp_path / "out").exists()


def test_a_recogniser_generates_nothing(nrsr_main, experiment, tmp_path):
    status, _, err = nrsr_main("generate", "--exp", experiment, "--count", 1, "--out", tmp_path / "out")
    assert status == 1 and "JointAsr generates nothing; take a GAN" in err


def changed(folder: Path, name: str, weights: dict[str, float]) -> Path:
    """An experiment in which some weights have one value throughout."""
    write_experiment(folder, name, False)
    content = torch.load(folder / "model.pt", weights_only=True)["model"]
    for weight, value in weights.items():
        content[weight].fill_(value)
    save_checkpoint(folder / "model.pt", {"model": content})
    return folder


def test_silence_is_named_and_what_is_no_number_refused(nrsr_main, tmp_path):
    last = {"generator.layers.2.weight": 0.0, "generator.layers.2.bias": 0.0}
    silent, wild = changed(tmp_path / "silent", "WaveGan", last), tmp_path / "wild"
    changed(wild, "Gan", {"images.norm.std": 1e5})
    status, _, err = nrsr_main("generate", "--exp", silent, "--count", 3, "--out", tmp_path / "zeros")
    assert status == 0 and "3 of 3 are silent: generated-00001 generated-00002" in err
    status, _, err = nrsr_main("generate", "--exp", wild, "--count", 1, "--out", tmp_path / "none")
    assert status == 1 and "the system generates NaN or infinite samples" in err and not (tmp_path / "none").exists()
