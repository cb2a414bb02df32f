"""Speed perturbation on the fly (Ko et al., Interspeech 2015)."""

from pathlib import Path

import numpy as np

from nrsr.config import ConfigError
from nrsr.data.augmentation.augmentation import Augmentation
from nrsr.data.augmentation.settings import is_number
from nrsr.data.augmentation.signals import Signals
from nrsr.signal.speed import change_speed

LIMITS = (0.5, 2.0)


class Speed(Augmentation):
    """Tempo and pitch change together by a factor drawn from a list, each as likely as the others.

    Parallel clean speech changes alike. Noise that is added later in the list keeps its speed.

    Args:
        factors: above 1 is faster; 1 leaves an utterance as it is.

    Raises:
        ConfigError: factors that cannot be.
    """

    def __init__(self, factors: list[float]):
        fits = isinstance(factors, list | tuple) and factors
        if not fits or not all(is_number(factor) and LIMITS[0] <= factor <= LIMITS[1] for factor in factors):
            raise ConfigError(
                f"data.augment: Speed: factors: {factors!r} is no list of factors from {LIMITS[0]:g} to {LIMITS[1]:g}, "
                "as [0.9, 1.0, 1.1] is"
            )
        self.factors = [float(factor) for factor in factors]

    def open(self, directory: Path, rate: int, *, allow_pipes: bool = False) -> None:
        self._rate = rate

    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        factor = self.factors[rng.integers(len(self.factors))]
        if factor == 1.0:
            return signals
        return signals.changed(lambda wave: change_speed(wave, self._rate, factor)).within_full_scale()

    def lengths(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Resampling rounds to a whole number of samples.
        shortest = np.floor(samples / max(self.factors)).astype(np.int64)
        longest = np.ceil(samples / min(self.factors)).astype(np.int64)
        return shortest, longest
