"""Perceptual evaluation of speech quality as MOS-LQO (ITU-T P.862.1 and P.862.2), by the library pesq."""

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure, mean_metric


def pesq(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """PESQ of [T] against [T]: narrow-band at 8000, wide-band at 16000 samples a second.

    Raises:
        UndefinedMeasure: another rate, less than a quarter of a second, no speech found, a silent estimate.
    """
    import pesq as library  # optional

    if rate not in (8000, 16000):
        raise UndefinedMeasure(f"PESQ is for 8000 and 16000 Hz, not {rate}")
    try:
        return float(library.pesq(rate, source, estimate, "nb" if rate == 8000 else "wb"))
    except (library.PesqError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise UndefinedMeasure(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


METRIC = mean_metric("pesq", "PESQ", "higher", pesq, digits=3, takes="waves", library="pesq")
