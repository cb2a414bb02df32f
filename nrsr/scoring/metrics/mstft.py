"""Multi-resolution STFT distance: spectral convergence and distance of log-magnitudes (Yamamoto et al. 2020)."""

import functools

import numpy as np

from nrsr.scoring.metric import MEAN_OF_WAVES, UndefinedMeasure, mean_metric


def mstft(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """||X| - |Y|| / ||X|| plus the mean of |ln |X| - ln |Y||, the mean over the three published resolutions.

    Raises:
        UndefinedMeasure: no more samples than half the longest transform.
    """
    import torch

    distance = _distance()
    if len(source) <= distance.shortest:
        raise UndefinedMeasure(f"is no longer than {distance.shortest} samples")
    signals = (torch.from_numpy(np.ascontiguousarray(wave, np.float32)).unsqueeze(0) for wave in (estimate, source))
    return float(sum(distance(*signals)))


@functools.cache
def _distance():
    from nrsr.nn.stft_loss import MultiResolutionStft

    return MultiResolutionStft()


METRIC = mean_metric(
    "mstft",
    "M-STFT",
    "lower",
    mstft,
    digits=3,
    takes="waves",
    meaning=f"spectral convergence and log-magnitude distance, FFT 512, 1024 and 2048; {MEAN_OF_WAVES}",
)
