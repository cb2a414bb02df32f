"""Checking mixtures by their audio: silent sources, clipping, parts that do not add up to the mixture."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nrsr.data.mixture_files import MixtureFiles
from nrsr.errors import NrsrError
from nrsr.progress import track
from nrsr.workers import run_work

FULL_SCALE = 32766.5 / 32768.0
# Rounding to 16 bits changes each part by half a step; twice that leaves room for other ways of rounding.
STEP = 1.0 / 32768.0


def check_mixtures(path: str | Path, nj: int = 1, channel: int | None = None) -> list[str]:
    """Read all mixtures of a data directory with their sources.

    Args:
        nj: processes.
        channel: of recordings that have several, counted from 0.

    Returns:
        One line for each mixture that is not whole, is clipped, has a silent source, or, where noise1.scp lists the
        noise, is not the sum of its parts.

    Raises:
        MixturesError: no directory of mixtures.
    """
    samples, skipped = MixtureFiles(path, None, channel=channel).lengths()
    problems = [f"{path}: {name}: {reason}" for name, reason in skipped.items()]
    results = run_work(functools.partial(make_check, str(path), channel), list(samples), nj)
    return problems + [problem for problem in track(results, f"reading {path}", total=len(samples)) if problem]


def make_check(path: str, channel: int | None) -> Callable[[str], str | None]:
    """A function that says what is wrong with a mixture of this directory, or None."""
    files = MixtureFiles(path, None, channel=channel)

    def check(name: str) -> str | None:
        try:
            wave, sources, noise = files.read(name)
        except NrsrError as error:
            return str(error)
        problem = problem_of(wave, sources, noise)
        return problem and f"{files.path}: {name}: {problem}"

    return check


def problem_of(wave: np.ndarray, sources: np.ndarray, noise: np.ndarray | None) -> str | None:
    """What is wrong with a mixture [T], its sources [K, T] and its noise [T], or None."""
    if clipped := clipped_samples(wave):
        return f"the mixture is clipped at {clipped} samples; mix it at a lower level"
    if noise is not None:
        error = float(np.abs(wave - sources.sum(0) - noise).max())
        if error > (len(sources) + 2) * STEP:
            return f"sources and noise do not add up to the mixture (off by {error:.4f}); they may be of another one"
    return None


def clipped_samples(wave: np.ndarray) -> int:
    """Samples at full scale or beyond that are next to another such one of the same sign."""
    high, low = wave >= FULL_SCALE, wave <= -FULL_SCALE
    return int(sum((side[1:] & side[:-1]).sum() for side in (high, low)))
