"""Changes of speed, by which tempo and pitch change together."""

import numpy as np
import soxr


def change_speed(wave: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """Resample float32 [T] to about T / factor samples: tempo and pitch change together, as with sox's `speed`."""
    return soxr.resample(wave, rate * factor, rate, quality="HQ")
