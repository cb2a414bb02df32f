"""DNSMOS SIG: speech quality without a reference, 1 to 5, as listeners of ITU-T P.835 (Reddy et al., ICASSP 2022)."""

import numpy as np

from nrsr.scoring.dnsmos import LIBRARIES, MEANING, p835
from nrsr.scoring.metric import mean_metric


def dnsmos_sig(source: np.ndarray | None, estimate: np.ndarray, rate: int) -> float:
    """DNSMOS SIG of the estimate [T].

    Raises:
        UndefinedMeasure: the estimate is shorter than a frame of 20 ms.
    """
    return p835(source, estimate, rate)[0]


METRIC = mean_metric(
    "dnsmos_sig", "DNSMOS SIG", "higher", dnsmos_sig, takes="waves", reference=False, library=LIBRARIES, meaning=MEANING
)
