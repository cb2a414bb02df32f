"""Bootstrap: how far a pooled value could have come out otherwise with other utterances and other noise.

Utterances are drawn with replacement (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004). Where utterances share a noise recording, utterances and recordings are both drawn, and a
row counts as often as the product of its two draws (the pigeonhole bootstrap: Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007): ten noise recordings tell less about noise than their thousand mixtures suggest.
Rows without a noise recording, as those of clean utterances beside noisy ones, count as often as their utterance.
"""

from collections.abc import Sequence

import numpy as np

from nrsr.scoring.table import UNKNOWN

DRAWS = 2000
SEED = 0
WEIGHTS_AT_ONCE = 4_000_000  # bounds memory: 32 MB of weights


def _weights(units: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Multinomial counts [draws, units]: how often each unit comes up among as many picks as there are units."""
    picks = rng.integers(units, size=(draws, units))
    picks += np.arange(draws)[:, None] * units
    return np.bincount(picks.ravel(), minlength=draws * units).reshape(draws, units).astype(np.float64)


def resampled_sums(values: np.ndarray, units: Sequence[np.ndarray], draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """Sums of each column over resampled rows.

    Args:
        values: [U, K] what is summed: errors and words of several systems. Columns share the draws, so that their
            differences are paired.
        units: one array [U] of labels for each thing that is drawn: utterances, and perhaps noise recordings. What
            is UNKNOWN is not drawn: such rows keep their place.

    Returns:
        [draws, K]; the same for the same seed.
    """
    return resampled_group_sums(values, units, [np.zeros(len(values), dtype=np.int64)], draws, seed)[0][:, 0]


def resampled_group_sums(
    values: np.ndarray,
    units: Sequence[np.ndarray],
    groupings: Sequence[np.ndarray],
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[np.ndarray]:
    """Sums as of `resampled_sums`, over the rows of each group, all from the same draws.

    Args:
        groupings: of each, the number of the group that a row is in [U], from 0.

    Returns:
        for each grouping [draws, groups, K].
    """
    rng = np.random.default_rng(seed)
    numbered = [_numbered(labels) for labels in units]
    largest = max([len(values), *(count for count, _ in numbered)], default=1)
    chunk = max(1, WEIGHTS_AT_ONCE // max(largest, 1))
    parts = [_Groups(values, groups) for groups in groupings]
    sums = [np.empty((draws, part.number, values.shape[1])) for part in parts]
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        weights = _weights_of_rows(numbered, len(values), size, rng)
        for group_sums, part in zip(sums, parts, strict=True):
            part.sum(weights, group_sums[start : start + size])
    return sums


def _numbered(labels: np.ndarray) -> tuple[int, np.ndarray]:
    """How many units there are to draw, and the number of each row's unit [U]; unknown ones have the number behind."""
    names, numbers = np.unique(labels, return_inverse=True)
    known = np.array([name != UNKNOWN for name in names.tolist()], dtype=bool)
    count = int(known.sum())
    return count, np.where(known, np.cumsum(known) - 1, count)[numbers]


def _weights_of_rows(
    numbered: Sequence[tuple[int, np.ndarray]], rows: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """[draws, rows]: products of the draws of each row's units."""
    product = None
    for count, numbers in numbered:
        weights = _weights(count, draws, rng)
        if (numbers == count).any():
            weights = np.append(weights, np.ones((draws, 1)), axis=1)
        if count != rows or (numbers != np.arange(rows)).any():  # else each row is its own unit, in their order
            weights = weights[:, numbers]
        product = weights if product is None else np.multiply(product, weights, out=product)
    return np.ones((draws, rows)) if product is None else product


class _Groups:
    """The rows of each group side by side, so that a group's sums are one product of matrices."""

    def __init__(self, values: np.ndarray, groups: np.ndarray) -> None:
        self.number = int(groups.max(initial=-1)) + 1
        self.order = np.argsort(groups, kind="stable")
        self.sorted = bool((np.diff(groups) >= 0).all())
        self.values = np.ascontiguousarray(values if self.sorted else values[self.order])
        self.bounds = np.searchsorted(groups[self.order], np.arange(self.number + 1))

    def sum(self, weights: np.ndarray, out: np.ndarray) -> None:
        """Fill out [draws, groups, K] from weights [draws, U]."""
        if not self.sorted:
            weights = weights[:, self.order]
        for group, (start, end) in enumerate(zip(self.bounds[:-1], self.bounds[1:], strict=True)):
            np.matmul(weights[:, start:end], self.values[start:end], out=out[:, group])


def interval(samples: np.ndarray) -> tuple[float, float] | None:
    """95 % percentile interval of drawn values [draws]; draws that are NaN are left out, None where all are."""
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return None
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


def probability_of_improvement(differences: np.ndarray, better: str) -> float | None:
    """Share of drawn differences [draws] that are better, with half of those that are 0 (Bisani and Ney 2004).

    Args:
        better: "lower" or "higher".
    """
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    improved = known < 0 if better == "lower" else known > 0
    return float(np.mean(improved + 0.5 * (known == 0)))
