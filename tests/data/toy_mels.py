"""Toy data directories with waveforms and the mel features of a vocoder."""

from pathlib import Path

import numpy as np

from nrsr.datadirs.features import make_features
from nrsr.kaldi import DataDir, WaveWriter, write_list

RATE = 8000
FEATURES = {"class": "nrsr.signal.VocoderMel", "n_fft": 128, "hop": 32, "n_mels": 12, "centred": False}


def write_waves(folder: Path, samples: list[int], seed: int = 0) -> DataDir:
    """A data directory of tones in noise of so many samples each, all of one speaker."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    names = [f"spk-{number:03d}" for number in range(len(samples))]
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as waves:
        for name, size in zip(names, samples, strict=True):
            tone = np.sin(2 * np.pi * rng.uniform(100, 1000) / RATE * np.arange(size))
            waves[name] = (0.3 * tone + rng.uniform(-0.1, 0.1, size)).astype(np.float32)
    write_list(folder / "utt2spk", dict.fromkeys(names, "spk"))
    write_list(folder / "spk2utt", {"spk": " ".join(names)})
    return DataDir(folder)


def write_mels(folder: Path, samples: list[int], seed: int = 0, features: dict | None = None) -> Path:
    """The same with features."""
    make_features(write_waves(folder, samples, seed), features or FEATURES, RATE)
    return folder
