"""Scale-invariant signal-to-noise ratio in dB, means taken off (Le Roux et al., ICASSP 2019)."""

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure, mean_metric
from nrsr.scoring.signals import LOWEST, limited
from nrsr.signal.activity import is_silent


def si_snr(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """SI-SNR of [T] against [T], in double precision.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    if is_silent(source):
        raise UndefinedMeasure("the source is constant")
    if is_silent(estimate):
        return LOWEST
    source, estimate = (wave.astype(np.float64) - wave.mean(dtype=np.float64) for wave in (source, estimate))
    target = (estimate @ source / (source @ source)) * source
    rest = estimate - target
    with np.errstate(divide="ignore", invalid="ignore"):
        return limited(float(10.0 * np.log10((target @ target) / (rest @ rest))))


METRIC = mean_metric("si_snr", "SI-SNR", "higher", si_snr, unit="dB", takes="waves")
