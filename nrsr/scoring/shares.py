"""Values of whole sets as means over utterances: what each utterance contributes to them.

A contribution is the value plus the utterance's influence on it (Hampel, "The influence curve and its role in robust
estimation", JASA 1974): their mean is the value itself, and drawing utterances anew moves it as it moves the value, to
the first order. So sets are pooled, compared and given intervals as everything else.
"""

from collections.abc import Callable

import numpy as np


def over_splits(values: np.ndarray, splits: int, shares_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Contributions [N] to the mean of a score over random splits, which count alike.

    Both scores depend on the number of utterances, so that only those of sets of one size can be compared.

    Args:
        values: [N, ...] of the utterances.
        splits: of about equal size, the same each time.
        shares_of: the contributions to the score of a split.
    """
    shares = np.empty(len(values))
    for rows in random_splits(len(values), splits):
        shares[rows] = shares_of(values[rows]) * len(values) / (splits * len(rows))
    return shares


def random_splits(count: int, splits: int) -> list[np.ndarray]:
    """The rows of each random split of `count` rows, the same each time."""
    return np.array_split(np.random.default_rng(0).permutation(count), splits)


def inception_shares(posteriors: np.ndarray) -> np.ndarray:
    """Contributions [N] to the inception score exp(mean KL(p(y|x) || p(y))) (Salimans et al., NeurIPS 2016).

    p(y) is the mean of the posteriors [N, K].
    """
    posteriors = posteriors.astype(np.float64)
    posteriors /= posteriors.sum(1, keepdims=True)
    marginal = posteriors.mean(0)
    known = posteriors > 0  # where the marginal is above 0 as well
    ratios = np.divide(posteriors, marginal, out=np.ones_like(posteriors), where=known)
    divergences = (posteriors * np.log(ratios)).sum(1)
    return np.exp(divergences.mean()) * (1.0 + divergences - divergences.mean())


def frechet_shares(embeddings: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Contributions [N] to the Fréchet distance between two sets of vectors, [N, D] and [M, D].

    The squared distance is |m - m'|² + tr(C + C' - 2 (C C')^(1/2)) of means and covariances (Heusel et al., NeurIPS
    2017). With the optimal map x -> m' + S (x - m) between the two Gaussians the influence of x is

        2 (x - m)ᵀ (m - m') + (x - m)ᵀ (I - S) (x - m) - tr((I - S) C).

    No matrix is larger than [D, D] or [N, M]: with A = Q R the centred vectors over √(N - 1), B those of the reference,
    A S Aᵀ is Q (R Bᵀ B Rᵀ)^(1/2) Qᵀ.
    """
    count, embeddings = len(embeddings), embeddings.astype(np.float64)
    reference = reference.astype(np.float64)
    mean, reference_mean = embeddings.mean(0), reference.mean(0)
    apart = mean - reference_mean
    # Scaled, so that their mean square is the variance over N - 1.
    centred = (embeddings - mean) * np.sqrt(count / (count - 1))
    left, right = np.linalg.qr(centred / np.sqrt(count))
    across = right @ ((reference - reference_mean) / np.sqrt(len(reference) - 1)).T
    values, vectors = np.linalg.eigh(across @ across.T)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    moved = count * ((left @ root) * left).sum(1)
    variance = ((reference - reference_mean) ** 2).sum() / (len(reference) - 1)
    return apart @ apart + variance - root.trace() + 2 * centred @ apart + (centred**2).sum(1) - moved
