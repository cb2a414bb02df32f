"""A voice of harmonics with pauses, clean and in noise, for measures of quality."""

import numpy as np


def voice(rate: int, seconds: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clean and noisy signal [T], float64: harmonics of 150 Hz whose level goes up and down 1.5 times a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * 150 * k * time + k * k) / k for k in range(1, 20))
    clean = 0.1 * np.abs(np.sin(2 * np.pi * 1.5 * time)) * tones + 1e-3 * rng.normal(size=len(time))
    return clean, clean + 0.03 * rng.normal(size=len(time))
