"""What the metrics of vocoders share: WORLD's analysis of reference and estimate, each pair once."""

import numpy as np

from nrsr.scoring.signals import once, refuse_silence
from nrsr.signal.world import Analysis, analyse


@once
def analyses(source: np.ndarray, estimate: np.ndarray, rate: int) -> tuple[Analysis, Analysis]:
    """Pitch and envelope of [T] and [T], every 5 ms.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    refuse_silence(source)
    return analyse(source, rate), analyse(estimate, rate)
