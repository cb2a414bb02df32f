"""Which samples of a clean recording hold speech."""

import numpy as np

FRAME = 200  # samples: 25 ms at 8 kHz, 12.5 ms at 16 kHz
BELOW_LOUDEST = 30.0  # dB


def active_samples(wave: np.ndarray) -> np.ndarray:
    """Mask [T] of the samples in frames whose power is within 30 dB of the loudest frame's.

    Meant for clean speech; a silent waveform has no active sample.
    """
    if not len(wave):
        return np.zeros(0, dtype=bool)
    starts = np.arange(0, len(wave), FRAME)
    sizes = np.diff(np.append(starts, len(wave)))
    power = np.add.reduceat(np.square(wave, dtype=np.float64), starts) / sizes
    active = (power > 0) & (power >= power.max() * 10.0 ** (-BELOW_LOUDEST / 10.0))
    return np.repeat(active, sizes)


def active_power(wave: np.ndarray) -> float:
    """Mean square of the speech-active samples; 0 for silence."""
    active = wave[active_samples(wave)]
    return float(np.mean(np.square(active, dtype=np.float64))) if len(active) else 0.0
