"""DNSMOS P808: overall quality without a reference, 1 to 5, as listeners of ITU-T P.808 (Reddy et al., ICASSP 2021)."""

import numpy as np

from nrsr.scoring.dnsmos import LIBRARIES, MEANING, p808
from nrsr.scoring.metric import mean_metric


def dnsmos_p808(source: np.ndarray | None, estimate: np.ndarray, rate: int) -> float:
    """DNSMOS P808 of the estimate [T].

    Raises:
        UndefinedMeasure: the estimate is shorter than a frame of 20 ms.
    """
    return p808(source, estimate, rate)


METRIC = mean_metric(
    "dnsmos_p808",
    "DNSMOS P808",
    "higher",
    dnsmos_p808,
    takes="waves",
    reference=False,
    library=LIBRARIES,
    meaning=MEANING,
)
