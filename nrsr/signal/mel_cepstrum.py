"""Mel-cepstra of spectral envelopes: cepstra over a frequency axis that a first-order all-pass filter bends."""

import functools

import numpy as np


def mel_cepstra(envelopes: np.ndarray, order: int, alpha: float) -> np.ndarray:
    """c_0 ... c_order [N, order + 1] of power envelopes [N, F], F = n_fft / 2 + 1, as SPTK's `sp2mc`.

    ln |H(w)| = sum over m of c_m cos(m w~), w~ = w + 2 arctan(alpha sin w / (1 - alpha cos w)) (Tokuda et al., ICSLP
    1994), cut off behind `order`.
    """
    cepstra = np.fft.irfft(np.log(envelopes))[:, : envelopes.shape[1]]
    cepstra[:, 0] /= 2.0
    return cepstra @ frequency_transform(cepstra.shape[1], order, alpha).T


@functools.cache
def frequency_transform(size: int, order: int, alpha: float) -> np.ndarray:
    """The matrix [order + 1, size] from cepstra to mel-cepstra (Oppenheim & Johnson, Proc. IEEE 1972, recursion 7)."""
    matrix = np.zeros((order + 1, size))
    for place in reversed(range(size)):
        before = matrix
        matrix = np.empty_like(before)
        matrix[0] = alpha * before[0]
        matrix[0, place] += 1.0
        if order:
            matrix[1] = (1.0 - alpha**2) * before[0] + alpha * before[1]
        for number in range(2, order + 1):
            matrix[number] = before[number - 1] + alpha * (before[number] - matrix[number - 1])
    return matrix


@functools.cache
def warping(rate: int) -> float:
    """The alpha, to three digits, whose bent axis is nearest to the mel scale 1000 log2(1 + f / 1000 Hz)."""
    omega = np.linspace(0.0, np.pi, 1000)
    mel = np.log1p(omega / np.pi * rate / 2000.0)
    alphas = np.arange(0.0, 1.0, 0.001)[:, None]
    bent = omega + 2.0 * np.arctan(alphas * np.sin(omega) / (1.0 - alphas * np.cos(omega)))
    distances = np.square(bent / np.pi - mel / mel[-1]).sum(axis=1)
    return float(round(alphas[int(distances.argmin()), 0], 3))
