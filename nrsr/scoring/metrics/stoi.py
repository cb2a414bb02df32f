"""Short-time objective intelligibility, 0 to 1 (Taal et al., IEEE TASLP 2011), by the library pystoi."""

import warnings

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure, mean_metric
from nrsr.scoring.signals import levelled, refuse_silence
from nrsr.signal.activity import is_silent


def stoi(source: np.ndarray, estimate: np.ndarray, rate: int, extended: bool = False) -> float:
    """STOI of [T] against [T]; 0 for a silent estimate.

    Args:
        extended: measure ESTOI.

    Raises:
        UndefinedMeasure: the source is constant, or has too little speech.
    """
    import pystoi  # optional

    refuse_silence(source)
    if is_silent(estimate):
        return 0.0
    generator = np.random.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            np.random.seed(0)  # pystoi adds noise of 1e-16, which digital silence would make audible to ESTOI
            return float(pystoi.stoi(levelled(source), levelled(estimate), rate, extended=extended))
        except (RuntimeWarning, ValueError):  # ValueError: no frame at all
            raise UndefinedMeasure("too little speech for STOI") from None
        finally:
            np.random.set_state(generator)


METRIC = mean_metric("stoi", "STOI", "higher", stoi, digits=4, takes="waves", library="pystoi")
