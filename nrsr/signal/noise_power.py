"""Noise power by the speech presence probability (Gerkmann & Hendriks, IEEE TASL 20(4), 2012), frame after frame."""

import numpy as np

FLOOR = 1e-10  # of noise power, for samples in ±1 under a Hann window: under the rounding of 16 bits
A_PRIORI_SNR = 10.0**1.5  # of speech where it is present: 15 dB
SHIFT = 0.016  # seconds between the paper's frames, for which its two smoothing constants are
NOISE_SMOOTHING = 0.8
PRESENCE_SMOOTHING = 0.9
PRESENCE_LIMIT = 0.99  # of the probability where it has long been higher, so that the estimate cannot get stuck
QUANTILE = 0.2  # of an utterance's frames, for the noise power before the first frame


class NoisePower:
    """The running estimate for a batch of utterances; all arrays are float64 [B, F], powers |Y|² of one frame each.

    Args:
        start: noise power before the first frame.
        shift: seconds between frames; the smoothing constants are made to last as long in time as the paper's.
    """

    def __init__(self, start: np.ndarray, shift: float) -> None:
        self._power = np.maximum(start, FLOOR)
        self._presence = np.full_like(self._power, 0.5)
        self._noise_smoothing = NOISE_SMOOTHING ** (shift / SHIFT)
        self._presence_smoothing = PRESENCE_SMOOTHING ** (shift / SHIFT)

    def update(self, power: np.ndarray) -> np.ndarray:
        """Noise power after one more frame; without speech its expectation is |Y|², with speech it stays as it was."""
        # Their eq. 18, with equal probabilities of presence and absence beforehand.
        ratio = np.minimum(power / self._power * (A_PRIORI_SNR / (1.0 + A_PRIORI_SNR)), 500.0)  # exp(-500) > 0
        present = 1.0 / (1.0 + (1.0 + A_PRIORI_SNR) * np.exp(-ratio))
        self._presence += (1.0 - self._presence_smoothing) * (present - self._presence)
        present = np.where(self._presence > PRESENCE_LIMIT, np.minimum(present, PRESENCE_LIMIT), present)
        expected = present * self._power + (1.0 - present) * power
        self._power = np.maximum(self._power + (1.0 - self._noise_smoothing) * (expected - self._power), FLOOR)
        return self._power


def starting_power(power: np.ndarray) -> np.ndarray:
    """Noise power [F] before the first frame, from the quiet frames of an utterance's |Y|² [N, F].

    The papers take the mean of some first frames. Utterances that begin with speech have no such frames: for them it
    would be the speech's own power. A low quantile over all frames (Stahl, Fischer & Bippus, ICASSP 2000) needs none;
    it is divided by that of the exponential distribution of mean 1, which |Y|² of Gaussian noise follows.
    """
    return np.quantile(power, QUANTILE, axis=0) / -np.log1p(-QUANTILE)
