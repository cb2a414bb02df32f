"""Maximum-likelihood linear transform (semi-tied covariance): one matrix that makes diagonal covariances fit better.

M. Gales, "Semi-tied covariance matrices for hidden Markov models", IEEE Transactions on Speech and Audio Processing,
1999.
"""

from dataclasses import dataclass, replace

import numpy as np

from nrsr.errors import NrsrError
from nrsr.hmm.gmm import Gmm
from nrsr.hmm.gmm_statistics import aligned_frames
from nrsr.hmm.model import Model
from nrsr.hmm.worker_pool import WorkerPool

SWEEPS = 200  # over the rows, at most; Kaldi's
ENOUGH = 1e-6  # gain of a sweep, a frame, at which it ends


class MlltError(NrsrError):
    """Frames from which no transform can be estimated."""


@dataclass
class MlltStatistics:
    """Statistics from which the rows of the transform are estimated.

    Attributes:
        scatter: [D, D, D], for each row i the sum over frames and Gaussians of posterior / variance_i times
            (x - mean) (x - mean)^T: Gales's G(i).
        frames: their number.
    """

    scatter: np.ndarray
    frames: float = 0.0

    def add(self, other: "MlltStatistics") -> None:
        """Add the statistics of other frames."""
        self.scatter += other.scatter
        self.frames += other.frames


def accumulate_mllt(gmm: Gmm, features: np.ndarray, pdfs: np.ndarray) -> MlltStatistics:
    """Statistics of features [N, D] that are aligned to pdfs [N]."""
    statistics = MlltStatistics(np.zeros((gmm.dim,) * 3), float(len(features)))
    for piece in aligned_frames(gmm, features, pdfs):
        deviations = piece.frames - gmm.means[piece.gaussians, None]
        covariances = (deviations * piece.posteriors[:, :, None]).transpose(0, 2, 1) @ deviations
        statistics.scatter += np.tensordot(1.0 / gmm.variances[piece.gaussians], covariances, axes=(0, 0))
    return statistics


def objective(matrix: np.ndarray, statistics: MlltStatistics) -> float:
    """The terms of all frames' log likelihood that depend on the transform, in the untransformed space."""
    log_determinant = np.linalg.slogdet(matrix)[1]
    return statistics.frames * log_determinant - 0.5 * np.einsum("id,ide,ie->", matrix, statistics.scatter, matrix)


def estimate_mllt(statistics: MlltStatistics) -> np.ndarray:
    """The transform [D, D], found row by row from the identity on; no row lowers the likelihood.

    Each row is the best one beside the others (Gales 1999): with c its cofactors, it is G^-1 c, scaled.

    Raises:
        MlltError: too few frames.
    """
    dim = len(statistics.scatter)
    if (np.linalg.matrix_rank(statistics.scatter, hermitian=True) < dim).any():
        raise MlltError(
            f"MLLT: {statistics.frames:.0f} aligned frames without silence do not fill {dim} dimensions; take more "
            "data or fewer Gaussians"
        )
    inverses, matrix = np.linalg.inv(statistics.scatter), np.eye(dim)
    value = objective(matrix, statistics)
    for _ in range(SWEEPS):
        for row in range(dim):
            cofactors = np.linalg.inv(matrix)[:, row]  # divided by the determinant, which the scale takes out again
            direction = inverses[row] @ cofactors
            matrix[row] = direction * np.sqrt(statistics.frames / (cofactors @ direction))
        before, value = value, objective(matrix, statistics)
        if value - before < ENOUGH * statistics.frames:
            break
    return matrix


def with_mllt(pool: WorkerPool, model: Model) -> tuple[Model, float]:
    """Transform the features of the processes, and the model's means and its own transform along.

    Returns:
        the model, whose variances stay for the next M-step to fit, and the logarithm of the determinant: what has to
        be added to log likelihoods of the transformed frames to compare them with those before.
    """
    statistics = MlltStatistics(np.zeros((model.gmm.dim,) * 3))
    for part in pool.ask("mllt_statistics", model.gmm):
        statistics.add(part)
    matrix = estimate_mllt(statistics)
    pool.ask("multiply", matrix)
    gmm = replace(model.gmm, means=model.gmm.means @ matrix.T)
    return replace(model, gmm=gmm, transform=matrix @ model.transform), float(np.linalg.slogdet(matrix)[1])
