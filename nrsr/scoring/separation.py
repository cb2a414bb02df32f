"""How well the speakers of one mixture are separated: SI-SNR, SDR, PESQ and STOI, and their improvement.

SDR is that of BSS-eval, version 3: distortion filters of 512 samples (Vincent et al., IEEE TASLP 2006), by
fast_bss_eval: exact, tens of times faster than mir_eval, which agrees with it and is about to drop the measure.
Estimates are put in the order with the highest mean SI-SNR, and all measures are taken in that order; improvement is
against the noisy mixture.
"""

import importlib.util
import warnings
from collections.abc import Collection
from dataclasses import dataclass

import fast_bss_eval
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

MEASURES = ("si_snr", "sdr", "pesq", "stoi")
OPTIONAL = ("pesq", "stoi")  # of libraries of their own: pesq and pystoi
LIBRARIES = {"pesq": "pesq", "stoi": "pystoi"}
# SI-SNR and SDR in dB are held between these: a perfect estimate would have infinity, a silent one minus infinity.
LOWEST, HIGHEST = -50.0, 100.0


@dataclass(frozen=True)
class SourceScores:
    """One mixture.

    Attributes:
        order: which estimate (from 0) is taken for each source.
        values: measure -> [K], and "improvement" of it, as "si_snr_i"; NaN where it is undefined.
        silent_sources, silent_estimates: their numbers from 0.
        failed: measures that are undefined for some source that is heard, and why.
    """

    order: list[int]
    values: dict[str, np.ndarray]
    silent_sources: list[int]
    silent_estimates: list[int]
    failed: dict[str, str]


def missing_libraries(measures: Collection[str]) -> list[str]:
    """Libraries that these measures need and that are not installed."""
    return [LIBRARIES[name] for name in measures if name in OPTIONAL and not importlib.util.find_spec(LIBRARIES[name])]


def score_mixture(
    mixture: np.ndarray, sources: np.ndarray, estimates: np.ndarray, rate: int, measures: Collection[str] = MEASURES
) -> SourceScores:
    """Score the estimates of the speakers of a mixture.

    Args:
        mixture: [T], the input, against which improvement counts.
        sources, estimates: [K, T].
        rate: samples a second; PESQ is narrow-band at 8000, wide-band at 16000, undefined otherwise.

    A silent source has no scores (NaN) and takes no part in the choice of the order. A silent estimate of a source that
    is heard counts LOWEST dB.
    """
    heard = np.array([bool(source.any()) for source in sources])
    pairs = np.array([[si_snr(source, estimate) if own else 0.0 for estimate in estimates]
                      for source, own in zip(sources, heard, strict=True)])  # fmt: skip
    order = linear_sum_assignment(pairs, maximize=True)[1].tolist()
    ordered = estimates[order]
    values = {name: np.full(len(sources), np.nan) for measure in measures for name in (measure, f"{measure}_i")}
    failed: dict[str, str] = {}
    for number in np.flatnonzero(heard):
        for measure in measures:
            try:
                after = MEASURE_OF[measure](sources[number], ordered[number], rate)
                before = MEASURE_OF[measure](sources[number], mixture, rate)
            except UndefinedMeasure as error:
                failed[measure] = f"source {number + 1}: {error}"
                continue
            values[measure][number], values[f"{measure}_i"][number] = after, after - before
    silent = [number for number, estimate in enumerate(ordered) if heard[number] and not estimate.any()]
    return SourceScores(order, values, np.flatnonzero(~heard).tolist(), silent, failed)


class UndefinedMeasure(Exception):
    """A measure has no value for these signals; says why."""


def si_snr(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """Scale-invariant SNR in dB of [T] against [T], means taken off (Le Roux et al., ICASSP 2019), in double precision.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    source, estimate = (wave.astype(np.float64) - wave.mean(dtype=np.float64) for wave in (source, estimate))
    energy = source @ source
    if energy == 0.0:
        raise UndefinedMeasure("the source is constant")
    target = (estimate @ source / energy) * source
    rest = estimate - target
    with np.errstate(divide="ignore", invalid="ignore"):
        return limited(float(10.0 * np.log10((target @ target) / (rest @ rest))))


def sdr(source: np.ndarray, estimate: np.ndarray, rate: int = 0) -> float:
    """SDR of BSS-eval, version 3, in dB of [T] against [T].

    Raises:
        UndefinedMeasure: the signals leave the distortion filter undetermined.
    """
    source, estimate = (torch.from_numpy(wave.astype(np.float64))[None] for wave in (source, estimate))
    try:
        return limited(-fast_bss_eval.sdr_loss(estimate, source, filter_length=512).item())
    except RuntimeError as error:  # a singular system of equations
        raise UndefinedMeasure(f"SDR cannot be found ({str(error).splitlines()[0]})") from None


def limited(decibels: float) -> float:
    """A figure in dB between LOWEST and HIGHEST; a silent estimate, which has none, has LOWEST."""
    return LOWEST if np.isnan(decibels) else min(max(decibels, LOWEST), HIGHEST)


def pesq(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """PESQ as MOS-LQO (ITU-T P.862.1 and P.862.2).

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


def stoi(source: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility, 0 to 1 (Taal et al., IEEE TASLP 2011).

    Raises:
        UndefinedMeasure: too little speech.
    """
    import pystoi  # optional

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(pystoi.stoi(source, estimate, rate))
        except RuntimeWarning:
            raise UndefinedMeasure("too little speech for STOI") from None


MEASURE_OF = {"si_snr": si_snr, "sdr": sdr, "pesq": pesq, "stoi": stoi}
