"""Triangular mel filters, as Kaldi and as Slaney's auditory toolbox (librosa's default) define them."""

import numpy as np

from nrsr.signal.extractor import FeatureError

SLANEY_BREAK = 1000.0  # Hz: the scale is linear below and logarithmic above
SLANEY_STEP = 200.0 / 3.0  # Hz per mel below the break
SLANEY_LOG = np.log(6.4) / 27.0  # log Hz per mel above it


def kaldi_mel(hertz: np.ndarray | float) -> np.ndarray:
    """O'Shaughnessy's scale, 1127 ln(1 + f / 700), which HTK and Kaldi use."""
    return 1127.0 * np.log1p(np.asarray(hertz, dtype=np.float64) / 700.0)


def slaney_mel(hertz: np.ndarray | float) -> np.ndarray:
    """Slaney's scale: linear to 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    hertz = np.asarray(hertz, dtype=np.float64)
    above = SLANEY_BREAK / SLANEY_STEP + np.log(np.maximum(hertz, SLANEY_BREAK) / SLANEY_BREAK) / SLANEY_LOG
    return np.where(hertz < SLANEY_BREAK, hertz / SLANEY_STEP, above)


def slaney_hertz(mel: np.ndarray) -> np.ndarray:
    """The inverse of `slaney_mel`."""
    above = SLANEY_BREAK * np.exp(SLANEY_LOG * (mel - SLANEY_BREAK / SLANEY_STEP))
    return np.where(mel < SLANEY_BREAK / SLANEY_STEP, mel * SLANEY_STEP, above)


def check_band(sample_rate: int, low: float, high: float) -> None:
    """Refuse a band that is empty or goes past half the sampling rate."""
    if not 0 <= low < high <= sample_rate / 2:
        raise FeatureError(
            f"mel filters from {low:g} to {high:g} Hz: low and high must lie in order between 0 and half the "
            f"sampling rate, {sample_rate / 2:g} Hz"
        )


def check_filled(bank: np.ndarray) -> np.ndarray:
    """Refuse filters that lie between two bins and would give the floor for ever."""
    empty = np.flatnonzero(bank.sum(axis=0) == 0)
    if len(empty):
        raise FeatureError(
            f"{len(empty)} of {bank.shape[1]} mel filters hold no frequency bin; take fewer filters or a longer window"
        )
    return bank


def kaldi_bank(sample_rate: int, n_fft: int, n_mels: int, low: float, high: float) -> np.ndarray:
    """Kaldi's filters [n_fft // 2, n_mels]: triangles on the mel axis, peak 1, without the Nyquist bin.

    Raises:
        FeatureError: the band does not fit, or a filter holds no bin.
    """
    check_band(sample_rate, low, high)
    edges = np.linspace(kaldi_mel(low), kaldi_mel(high), n_mels + 2)
    bins = kaldi_mel(np.arange(n_fft // 2) * (sample_rate / n_fft))
    return check_filled(triangles(bins, edges))


def slaney_bank(sample_rate: int, n_fft: int, n_mels: int, low: float, high: float) -> np.ndarray:
    """Slaney's filters [n_fft // 2 + 1, n_mels]: triangles on the frequency axis, each of area 1 (in Hz).

    Raises:
        FeatureError: the band does not fit, or a filter holds no bin.
    """
    check_band(sample_rate, low, high)
    edges = slaney_hertz(np.linspace(slaney_mel(low), slaney_mel(high), n_mels + 2))
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    return check_filled(triangles(bins, edges) * (2.0 / (edges[2:] - edges[:-2])))


def triangles(bins: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Weights [bins, len(edges) - 2] of triangles with feet at their neighbours' peaks."""
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - left) / (centre - left)
    falling = (right - bins[:, None]) / (right - centre)
    return np.maximum(0.0, np.minimum(rising, falling))
