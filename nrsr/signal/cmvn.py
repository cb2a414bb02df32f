"""Cepstral mean and variance normalisation: Kaldi's statistics, applied whole or in a sliding window."""

import numpy as np

from nrsr.errors import NrsrError

VARIANCE_FLOOR = 1e-20  # Kaldi's, in apply-cmvn
SLIDING_VARIANCE_FLOOR = 1e-10  # Kaldi's, in apply-cmvn-sliding


class CmvnError(NrsrError):
    """Statistics that are empty, or do not fit the features."""


def accumulate(features: np.ndarray) -> np.ndarray:
    """Statistics [2, D + 1] of features [N, D] in Kaldi's layout, float64.

    First row: sums and, last, the number of frames. Second row: sums of squares and 0.
    Statistics of several utterances add up.
    """
    stats = np.zeros((2, features.shape[1] + 1))
    stats[0, :-1] = features.sum(axis=0, dtype=np.float64)
    stats[0, -1] = len(features)
    stats[1, :-1] = np.einsum("nd,nd->d", features, features, dtype=np.float64)
    return stats


def mean_and_variance(stats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance [D] that statistics [2, D + 1] stand for.

    Raises:
        CmvnError: no frame was counted, or the shape is another.
    """
    if stats.ndim != 2 or len(stats) != 2 or stats.shape[1] < 2:
        raise CmvnError(f"CMVN statistics of shape {stats.shape}: expected [2, dimension + 1]")
    count = stats[0, -1]
    if not count > 0:
        raise CmvnError("CMVN statistics of no frames; compute them from utterances that have some")
    mean = stats[0, :-1] / count
    return mean, np.maximum(stats[1, :-1] / count - mean**2, VARIANCE_FLOOR)


def apply(features: np.ndarray, stats: np.ndarray, norm_vars: bool = False) -> np.ndarray:
    """Features [N, D] less the mean, and with `norm_vars` over the standard deviation; float32.

    Raises:
        CmvnError: statistics of no frames, or of another dimension.
    """
    mean, variance = mean_and_variance(stats)
    if features.shape[1] != len(mean):
        raise CmvnError(f"CMVN statistics of dimension {len(mean)} on features of dimension {features.shape[1]}")
    scale = 1.0 / np.sqrt(variance) if norm_vars else 1.0
    return ((features - mean) * scale).astype(np.float32)


def sliding_windows(frames: int, window: int, min_window: int, center: bool) -> tuple[np.ndarray, np.ndarray]:
    """First frame and one past the last frame of the window of each frame, as Kaldi's SlidingWindowCmn has them.

    Centred windows hold `window` frames, moved inwards at the ends. The others hold the frame and `window` before
    it; while fewer than `min_window` have gone by, they reach into the future to hold that many.
    """
    now = np.arange(frames)
    if center:
        start = np.maximum(now - window // 2, 0)
        end = start + window
    else:
        start = np.maximum(now - window, 0)
        end = np.maximum(now + 1, min_window)
    start = np.maximum(start - np.maximum(end - frames, 0), 0)
    return start, np.minimum(end, frames)


def apply_sliding(
    features: np.ndarray,
    window: int = 600,
    min_window: int = 100,
    center: bool = False,
    norm_vars: bool = False,
) -> np.ndarray:
    """Features [N, D] normalised by the mean (and variance) of a window around or before each frame; float32.

    Arguments and results are those of Kaldi's apply-cmvn-sliding. A window of one frame gives zeros with
    `norm_vars`.
    """
    if window < 1 or min_window < 1:
        raise CmvnError(f"sliding CMVN with window {window}, min_window {min_window}: both must be at least 1")
    start, end = sliding_windows(len(features), window, min_window, center)
    # The overall mean goes first: differences of cumulative sums would lose small variances around a large one.
    centred = features - features.mean(axis=0, dtype=np.float64) if len(features) else features
    size = (end - start)[:, None]
    mean = window_sums(centred, start, end) / size
    normalised = centred - mean
    if norm_vars:
        variance = window_sums(centred**2, start, end) / size - mean**2
        normalised = normalised / np.sqrt(np.maximum(variance, SLIDING_VARIANCE_FLOOR))
    return normalised.astype(np.float32)


def window_sums(values: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sums of values[start:end] along the first axis, for each pair."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    return sums[end] - sums[start]
