"""Mel-cepstral distortion in dB (Kubichek, PACRIM 1993), on the path of dynamic time warping."""

import numpy as np

from nrsr.scoring.metric import MEAN_OF_WAVES, mean_metric
from nrsr.scoring.voices import analyses
from nrsr.scoring.warping_path import mean_on_path
from nrsr.signal.mel_cepstrum import mel_cepstra, warping

ORDER = 24
SCALE = 10.0 / np.log(10.0) * np.sqrt(2.0)


def mcd(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """(10 / ln 10) sqrt(2 sum over d = 1 ... 24 of (c_d - c'_d)²), the mean over the pairs of frames on the path.

    c are mel-cepstra of WORLD's envelopes, every 5 ms, of all frames; c_0, the level, does not count.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    ours, theirs = (
        mel_cepstra(analysis.envelope, ORDER, warping(rate))[:, 1:] for analysis in analyses(source, estimate, rate)
    )
    squares = np.square(ours).sum(1)[:, None] + np.square(theirs).sum(1) - 2.0 * ours @ theirs.T
    return float(SCALE * mean_on_path(np.sqrt(np.maximum(squares, 0.0))))


METRIC = mean_metric(
    "mcd",
    "MCD",
    "lower",
    mcd,
    unit="dB",
    takes="waves",
    library="pyworld",
    meaning=f"24 mel-cepstra of WORLD's envelopes every 5 ms, on the path of dynamic time warping; {MEAN_OF_WAVES}",
)
