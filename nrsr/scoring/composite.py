"""What the composite measures CSIG, CBAK and COVL have in common (Hu and Loizou, IEEE TASLP 2008)."""

import math

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure
from nrsr.scoring.metrics.pesq import pesq

WORST, BEST = 1.0, 5.0  # of a mean opinion score


def opinion(score: float) -> float:
    """A predicted mean opinion score, held between 1 and 5."""
    return min(max(score, WORST), BEST)


def regressed_pesq(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """The PESQ that the regressions take: wide-band MOS-LQO at 16 kHz; at 8 kHz the raw score of P.862.

    Loizou's code does so. The raw score follows from MOS-LQO by the mapping of P.862.1, equation 1, read backwards.

    Raises:
        UndefinedMeasure: as `pesq`, or a rate above 16000.
    """
    if rate > 16000:
        raise UndefinedMeasure(f"the composite measures are for 8000 and 16000 Hz, not {rate}")
    quality = pesq(source, estimate, rate)
    return quality if rate == 16000 else (4.6607 - math.log(4.0 / (quality - 0.999) - 1.0)) / 1.4945
