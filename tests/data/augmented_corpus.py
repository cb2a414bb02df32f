"""A small directory of clean speech and one of noises, for tests of augmentation."""

from pathlib import Path

import numpy as np

from nrsr.data import Units
from nrsr.data.batches import BatchSettings
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import WaveWriter, write_list

RATE = 8000
UNITS = Units.from_text(["one two three"], "word")


def write_waves(folder: Path, waves: dict[str, np.ndarray], rate: int = RATE, scp: str = "wav.scp") -> Path:
    """A data directory (or a further scp of one) of these waveforms, all of one speaker."""
    folder.mkdir(parents=True, exist_ok=True)
    with WaveWriter(folder / f"{Path(scp).stem}.ark", folder / scp, rate, bits=32) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    write_list(folder / "utt2spk", dict.fromkeys(waves, "s"))
    return folder


def write_corpus(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """FOLDER/train (five utterances, clean and so parallel to themselves, with text) and FOLDER/noise (two noises)."""
    rng = np.random.default_rng(0)
    speech = {f"u{n}": rng.uniform(-0.3, 0.3, 3000 + 500 * n).astype(np.float32) for n in range(1, 6)}
    noises = {name: rng.uniform(-0.5, 0.5, size).astype(np.float32) for name, size in (("long", 9000), ("short", 900))}
    train = write_waves(folder / "train", speech)
    (train / "spk1.scp").write_text((train / "wav.scp").read_text())
    write_list(train / "text", dict.fromkeys(speech, "one two"))
    write_waves(folder / "noise", noises)
    return speech, noises


def opened(folder: Path, augment: list[dict] | None, units: Units | None = UNITS, **options) -> WaveformDataset:
    """A dataset, prepared for training."""
    data = WaveformDataset(folder, units, RATE, BatchSettings(), augment=augment, **options)
    data.prepare_for_training()
    return data
