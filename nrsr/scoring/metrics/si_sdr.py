"""Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., ICASSP 2019): SI-SNR with the means left on.

The two are one for signals without an offset; an enhancer that adds an offset is worse by SI-SDR alone.
"""

import numpy as np

from nrsr.scoring.metric import mean_metric
from nrsr.scoring.signals import LOWEST, refuse_silence, scale_invariant_ratio
from nrsr.signal.activity import is_silent


def si_sdr(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """SI-SDR of [T] against [T], in double precision.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    refuse_silence(source)
    if is_silent(estimate):
        return LOWEST
    return scale_invariant_ratio(source.astype(np.float64), estimate.astype(np.float64))


METRIC = mean_metric("si_sdr", "SI-SDR", "higher", si_sdr, unit="dB", takes="waves")
