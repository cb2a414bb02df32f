"""What metrics of signals have in common: levels, limits of dB, and measures that several metrics share."""

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from nrsr.scoring.metric import UndefinedMeasure
from nrsr.signal.activity import is_silent

# SI-SDR and SDR in dB are held between these: a perfect estimate would have infinity, a silent one minus infinity.
LOWEST, HIGHEST = -50.0, 100.0

Value = TypeVar("Value")
Measure = Callable[[np.ndarray, np.ndarray, int], Value]


def levelled(wave: np.ndarray) -> np.ndarray:
    """A signal [T] with a largest sample of 1 (or all zeros), float64: libraries add small constants to powers."""
    return wave / np.float64(np.abs(wave).max(initial=0.0) or 1.0)


def limited(decibels: float) -> float:
    """A value in dB between LOWEST and HIGHEST; a silent estimate, which has none, has LOWEST."""
    return LOWEST if np.isnan(decibels) else min(max(decibels, LOWEST), HIGHEST)


def refuse_silence(source: np.ndarray) -> None:
    """Raise UndefinedMeasure for a source [T] that is constant."""
    if is_silent(source):
        raise UndefinedMeasure("the source is constant")


def scale_invariant_ratio(source: np.ndarray, estimate: np.ndarray) -> float:
    """Power in dB of what the estimate [T] has of the source [T] over that of the rest of it (Le Roux et al., eq. 3).

    Args:
        source, estimate: float64, not silent.
    """
    target = (estimate @ source / (source @ source)) * source
    rest = estimate - target
    with np.errstate(divide="ignore", invalid="ignore"):
        return limited(float(10.0 * np.log10((target @ target) / (rest @ rest))))


def once(measure: Measure) -> Measure:
    """A measure that keeps its last outcome, for metrics that share it: the same signals are measured once.

    Signals are the same where they are the same arrays, whose samples nobody changes meanwhile.
    """
    last: list = []  # source, estimate, rate; the value, or why there is none

    @functools.wraps(measure)
    def call(source: np.ndarray, estimate: np.ndarray, rate: int) -> Value:
        if not (last and last[0] is source and last[1] is estimate and last[2] == rate):
            try:
                outcome = measure(source, estimate, rate)
            except UndefinedMeasure as error:
                outcome = error
            last[:] = source, estimate, rate, outcome
        if isinstance(last[3], UndefinedMeasure):
            raise UndefinedMeasure(str(last[3]))
        return last[3]

    return call
