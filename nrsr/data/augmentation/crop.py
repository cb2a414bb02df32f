"""Cuts a stretch out of each utterance, before the augmentations that follow in the list."""

import numpy as np

from nrsr.config import ConfigError
from nrsr.data.augmentation.augmentation import Augmentation
from nrsr.data.augmentation.signals import Signals


class Crop(Augmentation):
    """Cuts out a random stretch, the same of the waveform and of its clean speech; shorter utterances stay whole.

    `data.segment` cuts after all augmentations, and the SNR of added noise is that of the whole utterance; with this
    one before `AddNoise` it is that of the stretch.

    Args:
        seconds: length of the stretch.

    Raises:
        ConfigError: no positive number of seconds.
    """

    def __init__(self, seconds: float):
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 < seconds < float("inf"):
            raise ConfigError(f"data.augment: Crop: seconds: {seconds!r} is no length; give a number above 0, as 2.5")
        self.seconds = seconds

    def open(self, directory: object, rate: int, *, allow_pipes: bool = False) -> None:
        self._samples = max(1, round(self.seconds * rate))

    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        spare = len(signals.wave) - self._samples
        if spare <= 0:
            return signals
        start = int(rng.integers(spare + 1))
        return signals.changed(lambda wave: wave[start : start + self._samples])

    def lengths(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kept = np.minimum(samples, self._samples)
        return kept, kept
