"""How near examples are to training examples, and how far from each other."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

ROUNDING = 1e-12  # of the squared norms: what is nearer differs by rounding alone


class Nearest(NamedTuple):
    """The nearest of other examples, for each of some.

    Attributes:
        distances: float64 [N].
        names: of the nearest [N].
    """

    distances: np.ndarray
    names: np.ndarray


def nearest(
    examples: np.ndarray, names: Sequence[str], parts: Iterable[tuple[Sequence[str], np.ndarray]], *, same: bool
) -> Nearest:
    """The Euclidean distance of each example [N, D] to the nearest of other examples.


    Args:
        names: of the examples.
        parts: the other examples, as (names, [M, D]).
        same: the other examples are of the same set, and an example of the same name does not count.
    """
    best, nearest_names = np.full(len(examples), np.inf), np.full(len(examples), "", dtype=object)
    for part_names, part in parts:
        squares = squared_distances(examples, part)
        if same:
            squares[np.array(names)[:, None] == np.array(part_names)] = np.inf
        places = squares.argmin(1)
        closest = squares[np.arange(len(examples)), places]
        nearer = closest < best
        best[nearer] = closest[nearer]
        nearest_names[nearer] = np.array(part_names, dtype=object)[places[nearer]]
    return Nearest(np.sqrt(best), nearest_names.astype(str))


def mean_distances(examples: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The mean distance [N] of each example [N, D] to the others of its class [N]; NaN for one without others."""
    means = np.full(len(examples), np.nan)
    for kind in np.unique(classes):
        rows = np.flatnonzero(classes == kind)
        if len(rows) > 1:
            means[rows] = np.sqrt(squared_distances(examples[rows], examples[rows])).sum(1) / (len(rows) - 1)
    return means


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances [N, M] of [N, D] and [M, D], in double precision; 0 for those that are equal."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    norms = (first**2).sum(1)[:, None] + (second**2).sum(1)
    squares = norms - 2.0 * first @ second.T
    squares[squares < ROUNDING * norms] = 0.0
    return squares
