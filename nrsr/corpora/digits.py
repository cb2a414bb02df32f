"""Strings of digits: their words, their lengths, and the faint noise that surrounds speech made of pieces."""

from collections.abc import Iterator

import numpy as np

from nrsr.corpora.draws import deal

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LENGTHS = range(1, 8)  # digits in a string

# About 3 units of 16 bits (-80 dB): no room is digitally silent, and the logarithm of exact zeros would put
# the clean sets at a floor that no other set reaches.
FAINT = 1e-4


def string_lengths(rng: np.random.Generator) -> Iterator[int]:
    """Lengths of digit strings without end, each of 1 to 7 equally often."""
    return deal(LENGTHS, rng)


def faint_noise(seconds: tuple[float, float], rate: int, rng: np.random.Generator) -> np.ndarray:
    """White noise at -80 dB, float32 [T], of a duration drawn evenly between two bounds in seconds."""
    samples = int(rng.uniform(*seconds) * rate)
    return rng.normal(0.0, FAINT, samples).astype(np.float32)
