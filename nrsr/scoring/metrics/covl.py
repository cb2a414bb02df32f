"""Composite measure of overall quality, 1 to 5, from PESQ, LLR and WSS (Hu and Loizou, IEEE TASLP 2008)."""

import numpy as np

from nrsr.scoring.composite import opinion, regressed_pesq
from nrsr.scoring.metric import mean_metric
from nrsr.scoring.metrics.llr import llr
from nrsr.scoring.metrics.wss import wss


def covl(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """COVL of [T] against [T].

    Raises:
        UndefinedMeasure: as PESQ, or shorter than two frames of 30 ms.
    """
    signals = source, estimate, rate
    return opinion(1.594 + 0.805 * regressed_pesq(*signals) - 0.512 * llr(*signals) - 0.007 * wss(*signals))


METRIC = mean_metric("covl", "COVL", "higher", covl, takes="waves", library="pesq")
