"""Composite measure of background noise, 1 to 5, from PESQ, segSNR and WSS (Hu and Loizou, IEEE TASLP 2008)."""

import numpy as np

from nrsr.scoring.composite import opinion, regressed_pesq
from nrsr.scoring.metric import mean_metric
from nrsr.scoring.metrics.segsnr import segsnr
from nrsr.scoring.metrics.wss import wss


def cbak(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """CBAK of [T] against [T].

    Raises:
        UndefinedMeasure: as PESQ, or shorter than two frames of 30 ms.
    """
    signals = source, estimate, rate
    return opinion(1.634 + 0.478 * regressed_pesq(*signals) - 0.007 * wss(*signals) + 0.063 * segsnr(*signals))


METRIC = mean_metric("cbak", "CBAK", "higher", cbak, takes="waves", library="pesq")
