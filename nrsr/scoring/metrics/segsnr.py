"""Segmental signal-to-noise ratio in dB: the mean over frames of their SNR, each held between -10 and 35 dB.

Hansen and Pellom, ICSLP 1998, with the frames of Loizou's code. A frame without speech has -10 dB, even a perfect one.
"""

import numpy as np

from nrsr.scoring.metric import mean_metric
from nrsr.scoring.signals import once
from nrsr.scoring.speech_frames import EPSILON, both_framed

LOWEST, HIGHEST = -10.0, 35.0  # dB of a frame


@once
def segsnr(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """Segmental SNR of [T] against [T].

    Raises:
        UndefinedMeasure: the source is constant, or shorter than two frames.
    """
    clean, enhanced = both_framed(source, estimate, rate)
    signal, noise = (np.square(frames).sum(axis=1) for frames in (clean, clean - enhanced))
    return float(np.clip(10.0 * np.log10(signal / (noise + EPSILON) + EPSILON), LOWEST, HIGHEST).mean())


METRIC = mean_metric("segsnr", "segSNR", "higher", segsnr, unit="dB", takes="waves")
