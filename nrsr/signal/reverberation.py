"""Convolution of speech with room impulse responses, kept in time with the dry speech and at its level."""

import numpy as np

from nrsr.signal.mixing import power

DIRECT = 1.0  # ms around the largest sample that count as the direct path


def direct_path(response: np.ndarray) -> int:
    """The sample of a room impulse response [R] at which the direct path arrives: its largest one."""
    return int(np.abs(response).argmax())


def early_part(response: np.ndarray, rate: int, milliseconds: float) -> np.ndarray:
    """The response up to so many ms after the direct path, zeros behind; 0 ms leaves the direct path alone."""
    last = direct_path(response) + round(max(milliseconds, DIRECT) * rate / 1000.0)
    kept = response.copy()
    kept[last + 1 :] = 0.0
    return kept


def reverberate(wave: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Speech [T] in a room: float64 [T], the direct path in time with the dry speech, cut at its end."""
    from scipy.signal import fftconvolve  # here, since every command would wait a second for it

    start = direct_path(response)
    return fftconvolve(wave.astype(np.float64), response.astype(np.float64))[start : start + len(wave)]


def level_gain(before: np.ndarray, after: np.ndarray) -> float:
    """The gain that brings speech in a room to the power of the dry speech; 1 for silence."""
    level = power(after)
    return float(np.sqrt(power(before) / level)) if level > 0.0 else 1.0
