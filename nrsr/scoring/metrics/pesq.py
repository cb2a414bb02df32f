"""Perceptual evaluation of speech quality as MOS-LQO (ITU-T P.862.1 and P.862.2), by the library pesq."""

import numpy as np
import soxr

from nrsr.scoring.metric import MEAN_OF_WAVES, UndefinedMeasure, mean_metric
from nrsr.scoring.signals import once

WIDE = 16000
BAND_OF_RATE = {8000: "nb", WIDE: "wb"}  # narrow-band, wide-band


@once
def pesq(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """PESQ of [T] against [T]: narrow-band at 8000, wide-band at 16000 samples a second, to which higher rates come.

    Raises:
        UndefinedMeasure: another rate, less than a quarter of a second, no speech found, a silent estimate.
    """
    import pesq as library  # optional

    if rate > WIDE:
        source, estimate = (soxr.resample(wave, rate, WIDE, quality="HQ") for wave in (source, estimate))
        rate = WIDE
    if rate not in BAND_OF_RATE:
        raise UndefinedMeasure(f"PESQ is for 8000 and 16000 Hz, not {rate}")
    try:
        return float(library.pesq(rate, source, estimate, BAND_OF_RATE[rate]))
    except (library.PesqError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise UndefinedMeasure(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


METRIC = mean_metric(
    "pesq",
    "PESQ",
    "higher",
    pesq,
    digits=3,
    takes="waves",
    library="pesq",
    meaning=f"MOS-LQO, narrow-band (P.862.1) at 8 kHz, wide-band (P.862.2) at 16 kHz and above; {MEAN_OF_WAVES}",
)
