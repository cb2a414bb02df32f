"""Values of whole sets as means over utterances: what each utterance contributes to them.

A contribution is the value plus the utterance's influence on it (Hampel, "The influence curve and its role in robust
estimation", JASA 1974): their mean is the value itself, and drawing utterances anew moves it as it moves the value, to
the first order. So sets are pooled, compared and given intervals as everything else.
"""

import numpy as np


def inception_shares(posteriors: np.ndarray, splits: int, seed: int = 0) -> np.ndarray:
    """Contributions [N] to the inception score, a mean over random splits (Salimans et al., NeurIPS 2016).

    The score of a split is exp(mean KL(p(y|x) || p(y))), p(y) being the mean posterior of the split.

    Args:
        posteriors: [N, K] of the classes.
        splits: of about equal size.
        seed: of the division into splits.
    """
    shares = np.empty(len(posteriors))
    for rows in np.array_split(np.random.default_rng(seed).permutation(len(posteriors)), splits):
        split = posteriors[rows].astype(np.float64)
        split /= split.sum(1, keepdims=True)
        marginal = split.mean(0)
        known = split > 0  # where the marginal is above 0 as well
        ratios = np.divide(split, marginal, out=np.ones_like(split), where=known)
        divergences = (split * np.log(ratios)).sum(1)
        score = np.exp(divergences.mean())
        # Splits count alike, whatever their size.
        shares[rows] = score * (1.0 + divergences - divergences.mean()) * len(posteriors) / (splits * len(rows))
    return shares


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
