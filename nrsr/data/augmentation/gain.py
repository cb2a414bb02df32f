"""Utterances at random levels."""

import numpy as np

from nrsr.data.augmentation.augmentation import Augmentation
from nrsr.data.augmentation.settings import checked_range
from nrsr.data.augmentation.signals import Signals


class Gain(Augmentation):
    """Brings an utterance to a random level; what would clip is lowered to just below full scale.

    Parallel clean speech gets the same gain.

    Args:
        db: [lowest, highest] change of level in dB, all values between them alike.

    Raises:
        ConfigError: a range that cannot be.
    """

    def __init__(self, db: list[float]):
        self.db = checked_range(db, "Gain: db", "dB")

    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        factor = np.float32(10.0 ** (rng.uniform(*self.db) / 20.0))
        return signals.changed(lambda wave: wave * factor).within_full_scale()
