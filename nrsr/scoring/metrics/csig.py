"""Composite measure of signal distortion, 1 to 5, from PESQ, LLR and WSS (Hu and Loizou, IEEE TASLP 2008)."""

import numpy as np

from nrsr.scoring.composite import opinion, regressed_pesq
from nrsr.scoring.metric import mean_metric
from nrsr.scoring.metrics.llr import llr
from nrsr.scoring.metrics.wss import wss


def csig(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """CSIG of [T] against [T].

    Raises:
        UndefinedMeasure: as PESQ, or shorter than two frames of 30 ms.
    """
    signals = source, estimate, rate
    return opinion(3.093 - 1.029 * llr(*signals) + 0.603 * regressed_pesq(*signals) - 0.009 * wss(*signals))


METRIC = mean_metric("csig", "CSIG", "higher", csig, takes="waves", library="pesq")
