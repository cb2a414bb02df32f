"""Bootstrap of error rates: how far a figure could have come out otherwise with other utterances and other noise.

Utterances are drawn with replacement (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004). Where utterances share a noise recording, utterances and recordings are both drawn, and a
row counts as often as the product of its two draws (the pigeonhole bootstrap: Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007): ten noise recordings tell less about noise than their thousand mixtures suggest.
"""

from collections.abc import Sequence

import numpy as np

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
        values: [U, K] what is summed: errors and words of groups and systems. Columns share the draws, so that
            their differences are paired.
        units: one array [U] of labels for each thing that is drawn: strings, and perhaps noise recordings.

    Returns:
        [draws, K]; the same for the same seed.
    """
    rng = np.random.default_rng(seed)
    numbered = [np.unique(labels, return_inverse=True) for labels in units]
    largest = max([len(values), *(len(names) for names, _ in numbered)], default=1)
    chunk = max(1, WEIGHTS_AT_ONCE // max(largest, 1))
    sums = np.empty((draws, values.shape[1]))
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        weights = np.ones((size, len(values)))
        for names, numbers in numbered:
            weights *= _weights(len(names), size, rng)[:, numbers]
        sums[start : start + size] = weights @ values
    return sums


def ratios(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """Elementwise percentage; NaN where a draw left nothing to divide by."""
    return 100 * np.divide(
        numerators, denominators, out=np.full(np.shape(numerators), np.nan), where=np.asarray(denominators) > 0
    )


def interval(samples: np.ndarray) -> tuple[float, float] | None:
    """95 % percentile interval of drawn figures [draws]; draws that are NaN are left out, None where all are."""
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return None
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)
