"""What metrics of signals have in common: which signals count as silent, and between which limits dB are held."""

import numpy as np

# SI-SNR and SDR in dB are held between these: a perfect estimate would have infinity, a silent one minus infinity.
LOWEST, HIGHEST = -50.0, 100.0


def levelled(wave: np.ndarray) -> np.ndarray:
    """A signal [T] with a largest sample of 1 (or all zeros), float64: libraries add small constants to powers."""
    return wave / np.float64(np.abs(wave).max(initial=0.0) or 1.0)


def limited(decibels: float) -> float:
    """A value in dB between LOWEST and HIGHEST; a silent estimate, which has none, has LOWEST."""
    return LOWEST if np.isnan(decibels) else min(max(decibels, LOWEST), HIGHEST)
