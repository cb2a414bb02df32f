"""Bottom-up clustering by likelihood: which groups of frames lose least when they share one Gaussian."""

from typing import NamedTuple

import numpy as np

from nrsr.hmm.tree_statistics import log_likelihood


class Merge(NamedTuple):
    """One step: group `second` goes into group `first`, which costs `loss` of log likelihood."""

    first: int
    second: int
    loss: float


def merges(sums: np.ndarray, limit: float = np.inf) -> list[Merge]:
    """Join the two groups that lose least, again and again.

    Args:
        sums: [n, 1 + 2 D] statistics as in TreeStatistics.
        limit: stop before a step that loses this much or more.

    A step looks at the losses of the group that has grown alone, so all steps cost O(n² D).
    """
    sums, alone = sums.copy(), log_likelihood(sums)
    alive = np.ones(len(sums), bool)
    losses = np.full((len(sums), len(sums)), np.inf)
    for row in range(len(sums) - 1):
        losses[row, row + 1 :] = _losses(sums, alone, row)[row + 1 :]
    steps = []
    for _ in range(len(sums) - 1):
        first, second = divmod(int(np.argmin(losses)), len(sums))
        loss = float(losses[first, second])
        if not loss < limit:
            break
        steps.append(Merge(first, second, loss))
        sums[first] += sums[second]
        alone[first] = log_likelihood(sums[first])
        alive[second] = False
        losses[second] = losses[:, second] = np.inf
        anew = np.where(alive, _losses(sums, alone, first), np.inf)
        losses[first, first + 1 :], losses[:first, first] = anew[first + 1 :], anew[:first]
    return steps


def _losses(sums: np.ndarray, alone: np.ndarray, row: int) -> np.ndarray:
    """What joining each group with that of `row` loses, [n]."""
    return alone + alone[row] - log_likelihood(sums + sums[row])


def clusters(count: int, steps: list[Merge]) -> np.ndarray:
    """The cluster of each of `count` groups after some steps: int64 [count], numbered in the order of first members."""
    owner = np.arange(count)
    for step in steps:
        owner[owner == step.second] = step.first
    return np.unique(owner, return_inverse=True)[1]
