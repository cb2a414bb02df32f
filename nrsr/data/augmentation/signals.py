"""What augmentation changes: a waveform, and the clean speech in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nrsr.signal.mixing import gain_against_clipping


@dataclass(frozen=True)
class Signals:
    """The audio of one utterance.

    Attributes:
        wave: the waveform that the system gets, float32 [T].
        parallel: the clean speech of each of its speakers, float32 [K, T] (K is 1 but in mixtures of speakers), or
            None where it is not known.
    """

    wave: np.ndarray
    parallel: np.ndarray | None = None

    def speech(self) -> np.ndarray:
        """The clean speech [T], all speakers together; the waveform itself where it is not known."""
        if self.parallel is None:
            return self.wave
        return self.parallel[0] if len(self.parallel) == 1 else self.parallel.sum(0)

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> "Signals":
        """With each waveform [T] changed alike."""
        parallel = None if self.parallel is None else np.stack([change(wave) for wave in self.parallel])
        return Signals(change(self.wave), parallel)

    def within_full_scale(self) -> "Signals":
        """Lowered, all parts alike, where a sample is beyond full scale."""
        gain = gain_against_clipping(self.wave, *([] if self.parallel is None else [self.parallel]))
        return self if gain == 1.0 else self.changed(lambda wave: wave * np.float32(gain))
