"""Which samples of a clean recording hold speech, and which signals are silent."""

import numpy as np

FRAME = 200  # samples: 25 ms at 8 kHz, 12.5 ms at 16 kHz
BELOW_LOUDEST = 30.0  # dB
# A signal is silent where no sample is further from the mean than this share of the largest sample: what the rounding
# of float32 leaves of a constant. It is relative to the signal itself, so recordings of any level are active:
# a single step of 16 bits is 2^-15 of full scale.
SILENCE = 2.0**-20


def is_silent(wave: np.ndarray) -> bool:
    """Whether a signal [T] is constant, as digital silence with an offset or without; nothing sounds in it."""
    if not len(wave):
        return True
    deviation = np.abs(wave - wave.mean(dtype=np.float64)).max()
    return bool(deviation <= SILENCE * np.abs(wave).max())


def active_samples(wave: np.ndarray) -> np.ndarray:
    """Mask [T] of the samples in frames whose power is within 30 dB of the loudest frame's.

    Meant for clean speech; a silent waveform has no active sample.
    """
    if not len(wave):
        return np.zeros(0, dtype=bool)
    _, sizes, active = _frames(wave)
    return np.repeat(active, sizes)


def active_power(wave: np.ndarray) -> float:
    """Mean square of the speech-active samples; 0 for silence."""
    if not len(wave):
        return 0.0
    energies, sizes, active = _frames(wave)
    return float(energies[active].sum() / sizes[active].sum()) if active.any() else 0.0


def _frames(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energy of each frame, its samples, and whether it is active."""
    starts = np.arange(0, len(wave), FRAME)
    sizes = np.diff(np.append(starts, len(wave)))
    energies = np.add.reduceat(np.square(wave, dtype=np.float64), starts)
    power = energies / sizes
    return energies, sizes, (power > 0) & (power >= power.max() * 10.0 ** (-BELOW_LOUDEST / 10.0))
