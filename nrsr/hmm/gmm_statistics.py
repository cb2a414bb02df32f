"""Statistics of Viterbi EM: occupancy of each Gaussian, and the sums of its frames; no loop over frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nrsr.hmm.gmm import Gmm

BLOCK = 4096  # frames of one pdf taken at once, so that memory stays bounded


@dataclass
class GmmStatistics:
    """Statistics of aligned frames for EM.

    Attributes:
        occupancy: [G], frames of each Gaussian.
        first, second: [G, D], sums of the frames and of their squares, weighted by the posteriors.
        transitions: [ids + 1], frames of each transition-id.
        log_likelihood: of all frames under their pdfs.
        frames: their number.
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
    """
    statistics = GmmStatistics.zeros(gmm, num_ids)
    statistics.frames = len(features)
    statistics.transitions += np.bincount(ids, minlength=num_ids + 1)
    for piece in aligned_frames(gmm, features, pdfs):
        statistics.log_likelihood += piece.log_likelihood
        statistics.occupancy[piece.gaussians] += piece.posteriors.sum(axis=1)
        statistics.first[piece.gaussians] += piece.posteriors @ piece.frames
        statistics.second[piece.gaussians] += piece.posteriors @ (piece.frames * piece.frames)
    return statistics


class Piece(NamedTuple):
    """Frames of one pdf.

    Attributes:
        gaussians: those of the pdf.
        frames: float64 [n, D].
        posteriors: float64 [Gaussians of the pdf, n].
        log_likelihood: of all of them under the pdf.
    """

    gaussians: slice
    frames: np.ndarray
    posteriors: np.ndarray
    log_likelihood: float


def aligned_frames(gmm: Gmm, features: np.ndarray, pdfs: np.ndarray) -> Iterator[Piece]:
    """Go through features [N, D] by the pdfs [N] that they are aligned to.

    The frames are sorted by pdf, so that the posteriors of a pdf's frames are a matrix product, and so are their sums.
    """
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
            log_likelihood = float((highest + np.log(total)).sum(dtype=np.float64))
            posteriors = (posteriors / total).T.astype(np.float64)
            yield Piece(part, frames.astype(np.float64), posteriors, log_likelihood)
