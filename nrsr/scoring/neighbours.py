"""How near examples are to training examples, and how far from each other."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Nearest(NamedTuple):
    """The nearest of other examples, for each of some.

    Attributes:
        distances: float64 [N].
        names: of the nearest [N].
    """

    distances: np.ndarray
    names: np.ndarray


def nearest(
    examples: np.ndarray, names: Sequence[str], others: Iterable[tuple[Sequence[str], np.ndarray]], *, same: bool
) -> Nearest:
    """The Euclidean distance of each example [N, D] to the nearest of others, which come in parts (names, [M, D]).

    Args:
        names: of the examples.
        same: the others are of the same set, and an example of the same name does not count.
    """
    best, found = np.full(len(examples), np.inf), np.full(len(examples), "", dtype=object)
    for other_names, part in others:
        squares = squared_distances(examples, part)
        if same:
            squares[np.array(names)[:, None] == np.array(other_names)] = np.inf
        places = squares.argmin(1)
        closest = squares[np.arange(len(examples)), places]
        nearer = closest < best
        best[nearer] = closest[nearer]
        found[nearer] = np.array(other_names, dtype=object)[places[nearer]]
    return Nearest(np.sqrt(best), found.astype(str))


def mean_distances(examples: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The mean distance [N] of each example [N, D] to the others of its class [N]; NaN for one without others."""
    means = np.full(len(examples), np.nan)
    for kind in np.unique(classes):
        rows = np.flatnonzero(classes == kind)
        if len(rows) > 1:
            means[rows] = np.sqrt(squared_distances(examples[rows], examples[rows])).sum(1) / (len(rows) - 1)
    return means


def squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances [N, M] of [N, D] and [M, D], in double precision."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2.0 * one @ other.T
    return squares.clip(0.0)
