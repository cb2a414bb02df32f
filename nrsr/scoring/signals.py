"""What metrics of signals have in common: which signals count as silent, and between which limits dB are held."""

import numpy as np

# SI-SNR and SDR in dB are held between these: a perfect estimate would have infinity, a silent one minus infinity.
LOWEST, HIGHEST = -50.0, 100.0


def is_silent(wave: np.ndarray) -> bool:
    """Whether a signal [T] is constant, as digital silence with an offset or without; nothing sounds in it."""
    return not len(wave) or bool((wave == wave[0]).all())


def limited(decibels: float) -> float:
    """A value in dB between LOWEST and HIGHEST; a silent estimate, which has none, has LOWEST."""
    return LOWEST if np.isnan(decibels) else min(max(decibels, LOWEST), HIGHEST)
