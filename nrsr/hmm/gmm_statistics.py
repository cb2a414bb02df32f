"""Statistics of Viterbi EM: how often each Gaussian is meant, and the sums of its frames; no loop over frames."""

from dataclasses import dataclass

import numpy as np

from nrsr.hmm.gmm import Gmm

BLOCK = 4096  # frames of one pdf taken at once, so that memory stays bounded


@dataclass
class GmmStatistics:
    """What EM needs of aligned frames.

    Attributes:
        occupancy: [G], frames of each Gaussian.
        first, second: [G, D], sums of the frames and of their squares, weighted by the posteriors.
        transitions: [ids + 1], frames of each transition-id.
        log_likelihood: of all frames under their pdfs.
        frames: how many.
    """

    occupancy: np.ndarray
    first: np.ndarray
    second: np.ndarray
    transitions: np.ndarray
    log_likelihood: float = 0.0
    frames: int = 0

    @classmethod
    def zeros(cls, gmm: Gmm, num_ids: int) -> "GmmStatistics":
        """Of no frames."""
        shape = gmm.means.shape
        return cls(np.zeros(shape[0]), np.zeros(shape), np.zeros(shape), np.zeros(num_ids + 1))

    def add(self, other: "GmmStatistics") -> None:
        """Add the statistics of other frames."""
        self.occupancy += other.occupancy
        self.first += other.first
        self.second += other.second
        self.transitions += other.transitions
        self.log_likelihood += other.log_likelihood
        self.frames += other.frames


def accumulate(gmm: Gmm, features: np.ndarray, pdfs: np.ndarray, ids: np.ndarray, num_ids: int) -> GmmStatistics:
    """Statistics of frames that are aligned to pdfs.

    Args:
        features: [N, D].
        pdfs, ids: [N], pdf-id and transition-id of each frame.
        num_ids: number of transition-ids.

    The frames are sorted by pdf, so that the posteriors of a pdf's frames are a matrix product, and so are their sums.
    """
    statistics = GmmStatistics.zeros(gmm, num_ids)
    statistics.frames = len(features)
    statistics.transitions += np.bincount(ids, minlength=num_ids + 1)
    scorer = gmm.scorer()
    order = np.argsort(pdfs, kind="stable")
    ends = np.cumsum(np.bincount(pdfs, minlength=gmm.num_pdfs))
    for pdf in np.flatnonzero(np.diff(ends, prepend=0)):
        end, start = ends[pdf], ends[pdf - 1] if pdf else 0
        part = slice(gmm.starts[pdf], gmm.starts[pdf + 1])
        for begin in range(start, end, BLOCK):
            frames = features[order[begin : min(begin + BLOCK, end)]]
            scores = scorer.components(frames, pdf)
            highest = scores.max(axis=1, keepdims=True)
            posteriors = np.exp(scores - highest)
            total = posteriors.sum(axis=1, keepdims=True)
            statistics.log_likelihood += float((highest + np.log(total)).sum(dtype=np.float64))
            posteriors = (posteriors / total).T.astype(np.float64)
            frames = frames.astype(np.float64)
            statistics.occupancy[part] += posteriors.sum(axis=1)
            statistics.first[part] += posteriors @ frames
            statistics.second[part] += posteriors @ (frames * frames)
    return statistics
