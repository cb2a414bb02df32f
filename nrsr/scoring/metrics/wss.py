"""Weighted spectral slope distance of critical bands (Klatt, ICASSP 1982), with the constants of Loizou's code."""

import numpy as np

from nrsr.scoring.metric import mean_metric
from nrsr.scoring.signals import once
from nrsr.scoring.speech_frames import EPSILON, both_framed, mean_of_lowest

# Centre and width in Hz of the 25 critical bands.
BANDS = np.array([
    (50.0, 70.0), (120.0, 70.0), (190.0, 70.0), (260.0, 70.0), (330.0, 70.0), (400.0, 70.0), (470.0, 70.0),
    (540.0, 77.3724), (617.372, 86.0056), (703.378, 95.3398), (798.717, 105.411), (904.128, 116.256),
    (1020.38, 127.914), (1148.30, 140.423), (1288.72, 153.823), (1442.54, 168.154), (1610.70, 183.457),
    (1794.16, 199.776), (1993.93, 217.153), (2211.08, 235.631), (2446.71, 255.255), (2701.97, 276.072),
    (2978.04, 298.126), (3276.17, 321.465), (3597.63, 346.136),
])  # fmt: skip
NARROWEST = 70.0  # Hz
LEAST_WEIGHT = np.exp(-30.0 / (2.0 * 2.303))  # of a bin in a band, at -30 dB
LOWEST = -100.0  # dB of a band
KMAX, KLOCMAX = 20.0, 1.0  # Klatt's, for the distance to the loudest band and to the nearest peak


@once
def wss(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """WSS of [T] against [T], from 0.

    Raises:
        UndefinedMeasure: the source is constant, or shorter than two frames.
    """
    levels = [band_levels(frames, rate) for frames in both_framed(source, estimate, rate, EPSILON)]
    slopes = [np.diff(level, axis=1) for level in levels]
    weights = sum(slope_weights(*both) for both in zip(levels, slopes, strict=True)) / 2.0
    return mean_of_lowest((weights * np.square(slopes[0] - slopes[1])).sum(axis=1) / weights.sum(axis=1))


def band_levels(frames: np.ndarray, rate: int) -> np.ndarray:
    """Level in dB of each band [F, 25] of windowed frames [F, N]."""
    size = 1 << (2 * frames.shape[1] - 1).bit_length()
    power = np.square(np.abs(np.fft.rfft(frames, size)[:, :-1]))
    return np.maximum(10.0 * np.log10(power @ band_filters(size, rate)), LOWEST)


def band_filters(size: int, rate: int) -> np.ndarray:
    """Gaussian filters [size / 2, 25] of a transform of `size` samples, of equal area but where they are cut off."""
    centres, widths = BANDS.T * (size / rate)  # in bins
    weights = np.exp(-11.0 * ((np.arange(size // 2)[:, None] - np.floor(centres)) / widths) ** 2)
    weights *= NARROWEST / BANDS[:, 1]
    return np.where(weights > LEAST_WEIGHT, weights, 0.0)


def slope_weights(levels: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Klatt's weights [F, 24] of slopes [F, 24] between band levels [F, 25]: the larger, the nearer to a peak.

    The peak next to a band is found up a rising slope, and down a falling one; as in Loizou's code, the former is the
    level one band before the top.
    """
    count = slopes.shape[1]
    places, rising = np.arange(count), slopes > 0
    falls_from = np.minimum.accumulate(np.where(rising, count, places)[:, ::-1], axis=1)[:, ::-1]
    rises_to = np.maximum.accumulate(np.where(rising, places, -1), axis=1)
    peaks = np.take_along_axis(levels, np.where(rising, falls_from - 1, rises_to + 1), axis=1)
    below_loudest = levels.max(axis=1, keepdims=True) - levels[:, :-1]
    return KMAX / (KMAX + below_loudest) * KLOCMAX / (KLOCMAX + peaks - levels[:, :-1])


METRIC = mean_metric("wss", "WSS", "lower", wss, takes="waves")
