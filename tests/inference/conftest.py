"""An experiment folder with random weights and a data directory, for tests of whole commands."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import save_yaml
from nrsr.data import Units
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.kaldi import WaveWriter, write_list
from nrsr.nn import GlobalNorm
from nrsr.systems import build_system

RATE = 8000
SYSTEM = {
    "class": "nrsr.systems.JointAsr",
    "frontend": {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 80, "layers": 1, "width": 8},
    "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 20},
    "encoder": {"class": "nrsr.nn.ConformerEncoder", "blocks": 1, "dim": 16, "heads": 2, "ffn": 32, "kernel": 7},
    "decoder": {"class": "nrsr.nn.TransformerDecoder", "layers": 1, "heads": 2, "ffn": 16},
}


def bursts(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose loudness and colour change ten times a second, so that frames differ."""
    wave = rng.standard_normal(round(seconds * RATE))
    parts = []
    for part in np.array_split(wave, max(1, round(seconds * 10))):
        smoothed = np.convolve(part, np.ones(rng.integers(1, 6)) / 3, mode="same")
        parts.append(smoothed * rng.choice([0.003, 0.05, 0.2]))
    return np.concatenate(parts).clip(-0.99, 0.99).astype(np.float32)


@pytest.fixture(scope="session")
def experiment(tmp_path_factory) -> Path:
    """A small recogniser of the words one..nine with random weights, sharpened so that it says something."""
    folder = tmp_path_factory.mktemp("exp") / "random"
    torch.manual_seed(3)
    units = Units.from_text(["one two three four five six seven eight nine"], "word")
    config = {"sample_rate": RATE, "system": SYSTEM, "decoding": {"method": "greedy", "batch_size": 8}}
    system = build_system(config, len(units))
    rng = np.random.default_rng(0)
    waves = torch.from_numpy(np.stack([bursts(2.0, rng) for _ in range(4)]))
    system.accumulate_statistics(waves, torch.full((4,), waves.shape[1]))
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    with torch.no_grad():
        system.ctc.weight.mul_(8)
        system.ctc.bias[[1, -1]] = -100  # a trained system never says <unk> or <sos/eos>
        system.decoder.out.bias[[0, 1]] = -100
    save_yaml(config, folder / "config.yaml")
    units.save(folder / "units")
    save_checkpoint(folder / "model.pt", {"model": system.state_dict()})
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Thirteen utterances of 0.4 to 1.6 s, and one too short for a frame."""
    folder = tmp_path_factory.mktemp("data") / "test"
    folder.mkdir()
    rng = np.random.default_rng(1)
    waves = {f"spk1-u{number:02d}": bursts(0.4 + 0.1 * number, rng) for number in range(13)}
    waves["spk1-short"] = bursts(0.005, rng)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for utterance, wave in waves.items():
            writer[utterance] = wave
    write_list(folder / "utt2spk", dict.fromkeys(waves, "spk1"))
    write_list(folder / "text", dict.fromkeys(waves, "one two"))
    return folder
