"""Log-likelihood ratio of the linear predictors of the clean and the enhanced signal (Hu and Loizou, TASLP 2008).

As the composite measures take it: the mean of the lowest 95 % of the frames, none of them cut at 2. Frames of digital
silence in the clean signal have no predictor and are left out; Loizou's code divides rounding errors there, and gives
recordings with pauses of zeros an LLR several times as high.
"""

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure, mean_metric
from nrsr.scoring.signals import once
from nrsr.scoring.speech_frames import EPSILON, both_framed, constant_frames, mean_of_lowest

WORST = 1000.0  # ratio of a frame whose predictor is numerically undetermined


@once
def llr(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """LLR of [T] against [T], from 0: ln(a_p R_c a_p' / a_c R_c a_c') of each frame.

    a_p and a_c are the predictors of the enhanced and the clean frame, R_c the clean frame's correlations.

    Raises:
        UndefinedMeasure: the source is constant, or shorter than two frames.
    """
    order = 10 if rate < 10000 else 16
    sounding = ~constant_frames(source, rate)
    framed = both_framed(source, estimate, rate, EPSILON)
    if not sounding.any():
        raise UndefinedMeasure("no frame of the source sounds")
    correlations = [autocorrelation(frames[sounding], order) for frames in framed]
    clean, enhanced = (predictor(of_frames) for of_frames in correlations)
    places = np.abs(np.subtract.outer(np.arange(order + 1), np.arange(order + 1)))
    toeplitz = correlations[0][:, places]
    numerator, denominator = (np.einsum("fi,fij,fj->f", filters, toeplitz, filters) for filters in (enhanced, clean))
    ratio = np.divide(numerator, denominator, out=np.full_like(numerator, WORST), where=denominator > 0)
    return mean_of_lowest(np.log(np.where(ratio > 0, ratio, WORST)))


def autocorrelation(frames: np.ndarray, order: int) -> np.ndarray:
    """Correlations [F, order + 1] of frames [F, N] with themselves, at lags from 0."""
    size = frames.shape[1]
    return np.stack([np.einsum("fn,fn->f", frames[:, : size - lag], frames[:, lag:]) for lag in range(order + 1)], 1)


def predictor(correlations: np.ndarray) -> np.ndarray:
    """Prediction error filters [F, P + 1] with a leading 1, of correlations [F, P + 1], by Levinson and Durbin."""
    frames, order = correlations.shape[0], correlations.shape[1] - 1
    filters = np.zeros((frames, order + 1))
    filters[:, 0] = 1.0
    error = correlations[:, 0].copy()
    for step in range(1, order + 1):
        rest = np.einsum("fi,fi->f", filters[:, :step], correlations[:, step:0:-1])
        reflection = np.divide(-rest, error, out=np.zeros(frames), where=error > 0)
        filters[:, 1 : step + 1] += reflection[:, None] * filters[:, step - 1 :: -1]
        error *= 1.0 - reflection**2
    return filters


METRIC = mean_metric("llr", "LLR", "lower", llr, digits=3, takes="waves")
