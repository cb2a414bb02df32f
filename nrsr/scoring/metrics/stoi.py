"""Short-time objective intelligibility, 0 to 1 (Taal et al., IEEE TASLP 2011), by the library pystoi."""

import warnings

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure, mean_metric
from nrsr.scoring.signals import levelled


def stoi(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """STOI of [T] against [T].

    Raises:
        UndefinedMeasure: too little speech.
    """
    import pystoi  # optional

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(pystoi.stoi(levelled(source), levelled(estimate), rate))
        except RuntimeWarning:
            raise UndefinedMeasure("too little speech for STOI") from None


METRIC = mean_metric("stoi", "STOI", "higher", stoi, digits=4, takes="waves", library="pystoi")
