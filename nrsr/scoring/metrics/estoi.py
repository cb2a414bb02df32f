"""Extended short-time objective intelligibility (Jensen and Taal, IEEE TASLP 2016), by the library pystoi."""

import numpy as np

from nrsr.scoring.metric import mean_metric
from nrsr.scoring.metrics.stoi import stoi


def estoi(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """ESTOI of [T] against [T]; 0 for a silent estimate.

    Raises:
        UndefinedMeasure: the source is constant, or has too little speech.
    """
    return stoi(source, estimate, rate, extended=True)


METRIC = mean_metric("estoi", "ESTOI", "higher", estoi, digits=4, takes="waves", library="pystoi")
