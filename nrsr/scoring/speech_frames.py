"""The frames of Loizou's quality measures: 30 ms, a Hann window without its zeros, a quarter of a frame apart.

P. Loizou, Speech Enhancement: Theory and Practice, 2nd edition, 2013, chapter 11, and the code that comes with it.
"""

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure
from nrsr.scoring.signals import refuse_silence

SECONDS = 0.03
SHARE = 0.95  # of the frames, those with the lowest values, that LLR and WSS average
EPSILON = float(np.finfo(np.float64).eps)


def both_framed(source: np.ndarray, estimate: np.ndarray, rate: int, offset: float = 0.0) -> tuple[np.ndarray, ...]:
    """Windowed frames [F, N] of source and estimate, float64, the last frame left out as in Loizou's code.

    Args:
        source, estimate: [T].
        offset: added to each sample, so that logarithms of silent frames exist.

    Raises:
        UndefinedMeasure: the source is constant, or there are no two frames.
    """
    refuse_silence(source)
    views = [frames_of(wave, rate) for wave in (source, estimate)]
    if not len(views[0]):
        raise UndefinedMeasure("shorter than two frames of 30 ms")
    size = views[0].shape[1]
    window = 0.5 * (1.0 - np.cos(2.0 * np.pi * np.arange(1, size + 1) / (size + 1)))
    return tuple((view.astype(np.float64) + offset) * window for view in views)


def frames_of(wave: np.ndarray, rate: int) -> np.ndarray:
    """Frames [F, N] of a signal [T], a view without a window."""
    size, hop = round(SECONDS * rate), int(SECONDS * rate / 4)
    if len(wave) < size:
        return np.zeros((0, size))
    return np.lib.stride_tricks.sliding_window_view(wave, size)[::hop][:-1]


def constant_frames(wave: np.ndarray, rate: int) -> np.ndarray:
    """Which frames [F] of a signal [T] hold one value throughout, as digital silence."""
    frames = frames_of(wave, rate)
    return (frames == frames[:, :1]).all(axis=1)


def mean_of_lowest(values: np.ndarray) -> float:
    """Mean of the lowest 95 % of the frames [F]."""
    return float(np.sort(values)[: round(SHARE * len(values))].mean())
