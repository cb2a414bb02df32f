"""Linear discriminant analysis: the directions of spliced frames in which pdfs differ most, as Kaldi's est-lda."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from nrsr.errors import NrsrError
from nrsr.hmm.gmm_features import spliced


class LdaError(NrsrError):
    """Frames from which no transform can be estimated."""


@dataclass
class LdaStatistics:
    """Sums over frames of several classes.

    Attributes:
        counts: [C], frames of each class.
        sums: [C, D], of the frames of each class.
        second: [D, D], of x x^T over all frames.
    """

    counts: np.ndarray
    sums: np.ndarray
    second: np.ndarray

    def add(self, other: "LdaStatistics") -> None:
        """Add the statistics of other frames."""
        self.counts += other.counts
        self.sums += other.sums
        self.second += other.second


def accumulate_lda(
    features: np.ndarray, frames: np.ndarray, context: int, rows: np.ndarray, classes: np.ndarray, num_classes: int
) -> LdaStatistics:
    """Statistics of spliced frames.

    Args:
        features: [N, D] of utterances one behind the other.
        frames: [U] frames of each.
        context: neighbours on each side that are joined to a frame.
        rows, classes: [R], the frames that count, and their classes in 0 ... num_classes - 1.
    """
    order = np.argsort(classes, kind="stable")
    classes, dim = classes[order], features.shape[1] * (2 * context + 1)
    counts = np.bincount(classes, minlength=num_classes).astype(np.float64)
    statistics = LdaStatistics(counts, np.zeros((num_classes, dim)), np.zeros((dim, dim)))
    for part, block in spliced(features, frames, context, rows[order]):
        wide = block.astype(np.float64)
        seen, starts = np.unique(classes[part], return_index=True)
        statistics.sums[seen] += np.add.reduceat(wide, starts, axis=0)
        statistics.second += wide.T @ wide
    return statistics


def estimate_lda(statistics: LdaStatistics, dim: int) -> tuple[np.ndarray, float]:
    """The transform [dim, D] that makes the covariance within classes the identity and that between them diagonal.

    Rows come with falling variance between classes, each with its largest element above 0. Nothing is subtracted:
    frames keep their mean, as in Kaldi.

    Returns:
        the transform, and the share (0 to 1) of the variance between classes that it keeps.

    Raises:
        LdaError: more rows than D, or frames that do not fill the D dimensions.
    """
    total, seen, size = statistics.counts.sum(), statistics.counts > 0, len(statistics.second)
    if dim > size:
        raise LdaError(f"lda.dim {dim}: spliced frames have {size} values; lower dim, or join more frames by context")
    mean = statistics.sums.sum(axis=0) / max(total, 1.0)
    centres = statistics.sums[seen] / statistics.counts[seen, None] - mean
    between = (statistics.counts[seen] * centres.T) @ centres / max(total, 1.0)
    within = statistics.second / max(total, 1.0) - np.outer(mean, mean) - between
    if np.linalg.matrix_rank(within, hermitian=True) < size:
        raise LdaError(
            f"LDA: {total:.0f} aligned frames without silence do not fill the {size} dimensions of spliced frames; "
            "take more data, or a smaller lda.context"
        )
    values, vectors = scipy.linalg.eigh(between, within)
    rows = vectors[:, ::-1].T[:dim]
    largest = rows[np.arange(dim), np.abs(rows).argmax(axis=1)]
    return rows * np.sign(largest)[:, None], float(values[-dim:].sum() / values.sum())
