"""A training with augmentation on the fly that is cut off hears, when it goes on, what the whole one heard."""

import numpy as np
import pytest
import torch

from nrsr.data.batches import BatchSettings
from nrsr.data.training_set import load_batches
from nrsr.data.units import Units
from nrsr.data.waveforms import WaveformDataset
from nrsr.experiment.checkpoint import CheckpointError
from nrsr.kaldi import WaveWriter, write_list
from nrsr.training import resumption

RATE = 8000


def write_noise(folder, names=("n1", "n2")):
    """A directory of noises."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True, exist_ok=True)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name in names:
            writer[name] = rng.uniform(-0.5, 0.5, 5000).astype(np.float32)
    write_list(folder / "utt2spk", dict.fromkeys(names, "s"))
    return folder


@pytest.fixture
def augment(tmp_path):
    noise = str(write_noise(tmp_path / "noise"))
    return [{"class": "nrsr.data.augmentation.AddNoise", "noise": noise, "snr": [-5, 5], "probability": 0.7}]


def test_cut_off_within_an_epoch(run_toy, toy_config, augment, tmp_path, monkeypatch):
    toy_config["data"] = {"augment": augment}
    toy_config["training"] |= {"save_steps": 1}
    whole = run_toy(tmp_path / "whole")
    left = [11]
    real = resumption.save_checkpoint

    def save(*arguments):
        real(*arguments)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(resumption, "save_checkpoint", save)
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "parts")
    monkeypatch.undo()
    # Another reader, too: what is drawn does not depend on who reads.
    toy_config["batches"]["workers"] = 2
    run_toy(tmp_path / "parts")
    one, other = (torch.load(folder / "last.pt", weights_only=True)["model"] for folder in (whole, tmp_path / "parts"))
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_other_noises_are_other_data(run_toy, toy_config, augment, tmp_path):
    toy_config["data"] = {"augment": augment}
    folder = run_toy(tmp_path / "exp", {"training.epochs": 1})
    last = torch.load(folder / "last.pt", weights_only=False)
    last["progress"]["finished"] = False
    torch.save(last, folder / "last.pt")
    write_noise(tmp_path / "noise", ("n1", "n3"))
    with pytest.raises(CheckpointError, match="made with other data: train changed since"):
        run_toy(folder)


def test_epochs_differ_and_development_data_do_not(corpus, augment):
    settings = BatchSettings(size=4)
    data = WaveformDataset(corpus / "train", Units.load(corpus / "units"), RATE, settings, augment=augment)
    data.prepare_for_training()

    def heard(batches, workers=0):
        found = {}
        for batch in load_batches(data, batches, workers):
            found |= {
                name: wave[:length] for name, wave, length in zip(batch.ids, batch.waves, batch.lengths, strict=True)
            }
        return found

    first, again = heard(data.batches(settings, 1, 0)), heard(data.batches(settings, 1, 0), 2)
    second = heard(data.batches(settings, 1, 1))
    other = heard(data.batches(settings, 2, 0))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert sum(torch.equal(first[name], second[name]) for name in first) < 0.25 * len(first)
    assert sum(torch.equal(first[name], other[name]) for name in first) < 0.25 * len(first)
    plain = heard(data.dev_batches(settings))
    for number, name in enumerate(data.ids):
        np.testing.assert_array_equal(plain[name], data[number].wave)
