"""The M-step of Gaussian mixtures, and their growth by splitting, as Kaldi's gmm-est does them."""

import heapq

import numpy as np

from nrsr.hmm.gmm import Gmm
from nrsr.hmm.gmm_statistics import GmmStatistics

MIN_VARIANCE, MIN_WEIGHT = 0.001, 1e-5  # Kaldi's
PERTURBATION = 0.01  # standard deviations that the halves of a split Gaussian are moved apart, times a random normal
MIN_SPLIT_COUNT = 20.0  # frames that a pdf must have for each of its Gaussians to be split further


def updated(gmm: Gmm, statistics: GmmStatistics, min_occupancy: float = 10.0) -> Gmm:
    """The mixtures of largest likelihood.

    Gaussians with fewer than `min_occupancy` frames, or a weight under 1e-5, go, but for the most used one of a pdf:
    it stays as it is. Variances do not fall under 0.001.
    """
    occupancy, pdf_of = statistics.occupancy, gmm.pdf_of
    totals = np.add.reduceat(occupancy, gmm.starts[:-1])[pdf_of]
    weights = np.where(totals > 0, occupancy / np.maximum(totals, 1e-30), gmm.weights)
    enough = (occupancy > min_occupancy) & (weights > MIN_WEIGHT)
    frames = np.where(enough, occupancy, 1.0)[:, None]
    means = np.where(enough[:, None], statistics.first / frames, gmm.means)
    raw = statistics.second / frames - means**2
    variances = np.where(enough[:, None], np.maximum(raw, MIN_VARIANCE), gmm.variances)
    kept = enough | _last_resort(gmm, enough, weights)
    sizes = np.add.reduceat(kept.astype(np.int64), gmm.starts[:-1])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.maximum(weights[kept], MIN_WEIGHT)
    weights /= np.repeat(np.add.reduceat(weights, starts[:-1]), sizes)
    return Gmm(starts, weights, means[kept], variances[kept])


def _last_resort(gmm: Gmm, enough: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The heaviest Gaussian of each pdf that has none with enough frames, as a mask [G]."""
    mask = np.zeros(len(enough), bool)
    for pdf in np.flatnonzero(~np.logical_or.reduceat(enough, gmm.starts[:-1])):
        start, end = gmm.starts[pdf], gmm.starts[pdf + 1]
        mask[start + int(np.argmax(weights[start:end]))] = True
    return mask


def split_targets(occupancy: np.ndarray, total: int, power: float) -> np.ndarray:
    """How many of `total` Gaussians each pdf should have, [pdfs], by frames [pdfs] to a power.

    One at a time goes to the pdf with the most frames ** power for each of its Gaussians, unless they would have fewer
    than MIN_SPLIT_COUNT frames each.
    """
    sizes = np.ones(len(occupancy), np.int64)
    queue = [(-(float(frames) ** power), pdf) for pdf, frames in enumerate(occupancy)]
    heapq.heapify(queue)
    given = len(sizes)
    while given < total and queue:
        _, pdf = heapq.heappop(queue)
        if (sizes[pdf] + 1) * MIN_SPLIT_COUNT >= occupancy[pdf]:
            continue  # never split again
        sizes[pdf] += 1
        given += 1
        heapq.heappush(queue, (-(float(occupancy[pdf]) ** power) / sizes[pdf], pdf))
    return sizes


def split(gmm: Gmm, occupancy: np.ndarray, total: int, power: float, rng: np.random.Generator) -> Gmm:
    """Grow the mixtures to about `total` Gaussians.

    Args:
        occupancy: frames of each pdf, [pdfs].
        power: how far more frames mean more Gaussians; Kaldi's recipes take 0.25.

    The heaviest Gaussian of a pdf is split in two of half its weight, moved apart in a random direction, until the pdf
    has what split_targets gives it; pdfs that have more keep them.
    """
    targets = split_targets(occupancy, total, power)
    halves: list[tuple[int, np.ndarray]] = []  # which Gaussian each further one comes from, and its mean
    weights, means, deviations = gmm.weights.copy(), gmm.means.copy(), np.sqrt(gmm.variances)
    added: dict[int, list[float]] = {}
    for pdf in np.flatnonzero(targets > np.diff(gmm.starts)):
        start, end = gmm.starts[pdf], gmm.starts[pdf + 1]
        # Places of this pdf's Gaussians: the old ones in the model, the new ones behind in `halves`.
        queue = [(-weights[place], place, place, means[place]) for place in range(start, end)]
        heapq.heapify(queue)
        while len(queue) < targets[pdf]:
            weight, place, origin, mean = heapq.heappop(queue)
            move = PERTURBATION * rng.standard_normal(gmm.dim) * deviations[origin]
            new = gmm.num_gaussians + len(halves)
            halves.append((origin, mean))
            heapq.heappush(queue, (weight / 2, place, origin, mean - move))
            heapq.heappush(queue, (weight / 2, new, origin, mean + move))
        for weight, place, origin, mean in queue:
            if place < gmm.num_gaussians:
                weights[place], means[place] = -weight, mean
            else:
                halves[place - gmm.num_gaussians] = (origin, mean)
                added.setdefault(place, [-weight])
    if not halves:
        return gmm
    origins = np.array([origin for origin, _ in halves])
    pdf_of = np.concatenate([gmm.pdf_of, gmm.pdf_of[origins]])
    order = np.argsort(pdf_of, kind="stable")
    new_weights = [added[gmm.num_gaussians + number][0] for number in range(len(halves))]
    return Gmm(
        np.concatenate([[0], np.cumsum(np.bincount(pdf_of))]),
        np.concatenate([weights, new_weights])[order],
        np.concatenate([means, np.stack([mean for _, mean in halves])])[order],
        np.concatenate([gmm.variances, gmm.variances[origins]])[order],
    )
