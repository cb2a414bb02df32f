"""Pitch, spectral envelope and resynthesis of speech by WORLD (Morise et al., IEICE 2016), with the library pyworld."""

import warnings
from types import ModuleType
from typing import NamedTuple

import numpy as np

from nrsr.errors import NrsrError

SHIFT = 5.0  # ms between frames
VOICED, HIGHEST = 0.85, 7900.0  # D4C's own threshold, and the end of the band in Hz that it looks at
PACKAGES = '"pyworld>=0.3.4" "setuptools<81"'  # as in setup.py


class WorldError(NrsrError):
    """The library pyworld is missing."""


class Analysis(NamedTuple):
    """What WORLD finds in a signal, every 5 ms.

    Attributes:
        pitch: fundamental frequency in Hz, float64 [N], 0 where there is no voice.
        envelope: power spectral envelope, float64 [N, F].
    """

    pitch: np.ndarray
    envelope: np.ndarray


def library() -> ModuleType:
    """The module pyworld.

    Raises:
        WorldError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pkg_resources, which it imports
            import pyworld  # optional
    except ImportError as error:
        raise WorldError(f"pyworld does not import ({error}); pip install {PACKAGES}") from None
    return pyworld


def analyse(wave: np.ndarray, rate: int) -> Analysis:
    """Pitch (DIO, refined by StoneMask) and envelope (CheapTrick) of a signal [T]."""
    world = library()
    wave = np.ascontiguousarray(wave, np.float64)
    coarse, times = world.dio(wave, rate, frame_period=SHIFT)
    pitch = world.stonemask(wave, coarse, times, rate)
    return Analysis(pitch, world.cheaptrick(wave, pitch, times, rate))


def resynthesise(wave: np.ndarray, rate: int) -> np.ndarray:
    """A signal [T] resynthesised from its pitch, envelope and aperiodicity (D4C), float32 [T]."""
    world = library()
    pitch, envelope = analyse(wave, rate)
    times = np.arange(len(pitch)) * SHIFT / 1000.0
    # D4C takes frames for unvoiced that have little power below 4 kHz against the band up to 7.9 kHz. At lower rates it
    # reads that power beyond its spectrum, in memory nobody has set: whatever it finds, frames with a pitch are voiced.
    threshold = VOICED if rate >= 2 * HIGHEST else -np.inf
    aperiodicity = world.d4c(np.ascontiguousarray(wave, np.float64), pitch, times, rate, threshold=threshold)
    synthetic = world.synthesize(pitch, envelope, aperiodicity, rate, SHIFT)
    return np.pad(synthetic, (0, max(0, len(wave) - len(synthetic))))[: len(wave)].astype(np.float32)
