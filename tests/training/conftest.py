"""A small data directory, units and configs for training tests."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # configs name toy_systems.ToyAsr
sys.path.insert(0, str(Path(__file__).parents[1] / "data"))  # toy_frames

RATE = 8000
WORDS = ["one", "two", "three", "four"]


def write_data(folder: Path, utterances: int, seed: int, clean: bool = True) -> Path:
    """A data directory of noise with 1 to 4 words an utterance; half of the utterances have clean speech."""
    from nrsr.kaldi import WaveWriter, write_list

    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    texts = {}
    with (
        WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as waves,
        WaveWriter(folder / "clean.ark", folder / "spk1.scp", RATE) as cleans,
    ):
        for number in range(utterances):
            name = f"spk-{number:03d}"
            wave = rng.uniform(-0.1, 0.1, rng.integers(1600, 6400)).astype(np.float32)
            waves[name] = wave
            if clean and number % 2:
                cleans[name] = wave / 2
            texts[name] = " ".join(rng.choice(WORDS, rng.integers(1, 5)))
    write_list(folder / "text", texts)
    write_list(folder / "utt2spk", dict.fromkeys(texts, "spk"))
    return folder


@pytest.fixture(scope="session")
def write_speech():
    """write_speech(folder, utterances, seed) -> folder, a data directory (`write_data`)."""
    return write_data


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """A folder with train/, dev/ and units/."""
    from nrsr.data import Units

    folder = tmp_path_factory.mktemp("corpus")
    write_data(folder / "train", 60, 1)
    write_data(folder / "dev", 12, 2)
    Units.from_text([" ".join(WORDS)], "word").save(folder / "units")
    return folder


@pytest.fixture
def toy_config() -> dict:
    return {
        "sample_rate": RATE,
        "system": {"class": "toy_systems.ToyAsr"},
        "loss_weights": {"asr": 0.7, "se": 0.3},
        "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
        "schedule": {"class": "nrsr.training.schedules.WarmupHoldDecay", "warmup": 0.1, "hold": 0.5},
        "batches": {"size": 8, "max_seconds": 6},
        "training": {"epochs": 3, "average": 2, "log_steps": 5},
    }


@pytest.fixture
def run_toy(corpus, toy_config):
    """Train a toy experiment: run_toy(folder, {"training.epochs": 2}) -> folder."""
    from nrsr.training.run import run_training

    def run(folder: Path, changes: dict | None = None, seed: int = 1) -> Path:
        config = toy_config
        for key, value in (changes or {}).items():
            inner = config
            *outer, last = key.split(".")
            for name in outer:
                inner = inner[name]
            inner[last] = value
        run_training(config, seed, corpus / "train", corpus / "dev", corpus / "units", folder)
        return folder

    return run
