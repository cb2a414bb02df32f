"""Recordings of noise, of which a random stretch is read at a time."""

import zlib
from pathlib import Path

import numpy as np

from nrsr.data.augmentation.augmentation import AugmentationError
from nrsr.kaldi.datadir import DataDir
from nrsr.signal.mixing import fit_noise

LOOKED_AT = 10.0  # seconds read at once in looking for sound
ROUNDING = 2  # samples by which a resampled stretch may be shorter than asked for


class Recordings:
    """The recordings of a noise directory, each as likely as the others whatever its length.

    Other rates are resampled. Of a long recording only the stretch that is wanted is read.

    Args:
        channel: of recordings that have several, counted from 0.

    Raises:
        AugmentationError: no recordings, or silent ones, which are named.
        DataDirError, AudioError: a broken directory, or audio that cannot be read.
    """

    def __init__(self, path: Path, rate: int, *, channel: int | None = None, allow_pipes: bool = False):
        self.path, self.rate = path, rate
        directory = DataDir(path, channel=channel)
        self.waves = directory.waves(rate=rate, resample=True, allow_pipes=allow_pipes)
        self.names = list(self.waves)
        if not self.names:
            raise AugmentationError(f"{path}/wav.scp: lists no noise; add some")
        self.seconds = directory.durations(rate=rate, allow_pipes=allow_pipes)
        self._checksums = {name: self._checksum(name) for name in self.names}
        silent = [name for name, checksum in self._checksums.items() if checksum is None]
        if silent:
            raise AugmentationError(
                f"{path}: {len(silent)} of {len(self.names)} recordings are silent, the first is {silent[0]}; leave "
                "them out of wav.scp"
            )

    def _checksum(self, name: str) -> int | None:
        """Checksum of a recording's first seconds that are not silent, None where all are."""
        starts = np.arange(0.0, self.seconds[name], LOOKED_AT)
        ends = np.minimum(starts + LOOKED_AT, self.seconds[name])
        parts = (self.waves.part(name, *times) for times in zip(starts, ends, strict=True))
        return next((zlib.crc32(part) for part in parts if part.any()), None)

    def stretch(self, samples: int, rng: np.random.Generator) -> np.ndarray:
        """A random stretch of a random recording, float32 [samples].

        A recording that is shorter is repeated, and a stretch never is digital silence (`fit_noise`).
        """
        name = self.names[rng.integers(len(self.names))]
        last = int(self.seconds[name] * self.rate) - samples - ROUNDING
        if last < 0:
            return fit_noise(self.waves[name], samples, rng)
        start = int(rng.integers(last + 1))
        part = self.waves.part(name, start / self.rate, (start + samples + ROUNDING) / self.rate)[:samples]
        # Digital silence, or a segment that ends behind its recording.
        return part if len(part) == samples and part.any() else fit_noise(self.waves[name], samples, rng)

    def fingerprint(self) -> str:
        """Names, lengths and checksums."""
        return " ".join(f"{name} {self.seconds[name]:.6f} {self._checksums[name]}" for name in self.names)
