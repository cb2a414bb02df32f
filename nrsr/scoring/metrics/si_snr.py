"""Scale-invariant signal-to-noise ratio in dB, means taken off (Le Roux et al., ICASSP 2019)."""

import numpy as np

from nrsr.scoring.metric import mean_metric
from nrsr.scoring.signals import LOWEST, refuse_silence, scale_invariant_ratio
from nrsr.signal.activity import is_silent


def si_snr(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """SI-SNR of [T] against [T], in double precision.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    refuse_silence(source)
    if is_silent(estimate):
        return LOWEST
    return scale_invariant_ratio(
        *(wave.astype(np.float64) - wave.mean(dtype=np.float64) for wave in (source, estimate))
    )


METRIC = mean_metric("si_snr", "SI-SNR", "higher", si_snr, unit="dB", takes="waves")
