"""Random draws that depend on the seed and a name alone, so that no order of work changes them."""

import zlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def generator(seed: int, *names: object) -> np.random.Generator:
    """A random generator of its own for one named thing, the same on every machine."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def deal(items: Sequence[Item], rng: np.random.Generator) -> Iterator[Item]:
    """Deal `items` without end: shuffled, all of them once, then shuffled again; use differs by one at most."""
    while True:
        for index in rng.permutation(len(items)):
            yield items[index]


def shares(total: int, parts: int) -> list[int]:
    """Divide `total` into `parts` whole numbers that differ by one at most."""
    return [total // parts + (part < total % parts) for part in range(parts)]
