"""Normalisation by the mean and standard deviation of a whole training set."""

import numpy as np
import torch
from torch import Tensor

from nrsr.errors import NrsrError
from nrsr.nn.feature_norm import SMALLEST_STD, FeatureNorm
from nrsr.signal.masks import valid_mask


class StatisticsError(NrsrError):
    """Statistics are missing, or do not fit the module."""


class GlobalNorm(FeatureNorm):
    """(features - mean) / std with fixed statistics of the training set.

    Statistics come from `accumulate_statistics` and `finish`, or from `load_statistics`; sums are float64, so that
    hours of audio lose nothing. Without them the module refuses to run. A checkpoint holds mean and std.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.zeros(dim))
        self.ready = False
        self._sums: Tensor | None = None  # float64 [2, dim + 1], Kaldi's layout of CMVN statistics
        self.register_load_state_dict_post_hook(_mark_loaded)

    def forward(self, features: Tensor, frames: Tensor | None = None) -> Tensor:
        """Normalise [..., dim]; frames are not looked at.

        Raises:
            StatisticsError: no statistics yet.
        """
        if not self.ready:
            raise StatisticsError(
                "the system has no normalisation statistics yet; compute them with "
                "`nrsr compute-cmvn --config CONFIG --out EXP/statistics.ark DATA`"
            )
        return (features - self.mean) / self.std

    @torch.no_grad()
    def accumulate_statistics(self, features: Tensor, frames: Tensor) -> None:
        """Add the valid frames of [B, N, dim] to the sums; `frames` [B] are their counts."""
        if self._sums is None:
            self._sums = torch.zeros(2, self.dim + 1, dtype=torch.float64, device=features.device)
        valid = features[valid_mask(frames, features.shape[1])].double()
        self._sums[0, :-1] += valid.sum(0)
        self._sums[1, :-1] += valid.square().sum(0)
        self._sums[0, -1] += len(valid)

    def finish(self) -> None:
        """Turn the sums into mean and std.

        Raises:
            StatisticsError: no frames were accumulated.
        """
        self.load_statistics(self.statistics())

    def statistics(self) -> np.ndarray:
        """The sums as float64 [2, dim + 1] in Kaldi's layout: sums and count, squared sums and 0.

        Raises:
            StatisticsError: no frames were accumulated.
        """
        if self._sums is None:
            raise StatisticsError("no frames were accumulated; give `nrsr compute-cmvn` a data directory with audio")
        return self._sums.cpu().numpy()

    def load_statistics(self, statistics: np.ndarray) -> None:
        """Take statistics [2, dim + 1] in Kaldi's layout.

        Raises:
            StatisticsError: wrong shape, no frames, or numbers that are not finite.
        """
        statistics = np.asarray(statistics, dtype=np.float64)
        if statistics.shape != (2, self.dim + 1):
            raise StatisticsError(
                f"statistics have the shape {statistics.shape}, the system needs (2, {self.dim + 1}); "
                "compute them again with `nrsr compute-cmvn --config` and this config"
            )
        count = statistics[0, -1]
        if not (np.isfinite(statistics).all() and count > 0):
            raise StatisticsError(
                "statistics hold no frames or numbers that are not finite; look for broken audio with "
                "`nrsr validate-data`, then run `nrsr compute-cmvn --config` again"
            )
        mean = statistics[0, :-1] / count
        variance = np.maximum(statistics[1, :-1] / count - mean**2, 0.0)
        self._sums = torch.from_numpy(statistics.copy())
        self.mean.copy_(torch.from_numpy(mean))
        self.std.copy_(torch.from_numpy(np.maximum(np.sqrt(variance), SMALLEST_STD)))
        self.ready = True


def _mark_loaded(norm: GlobalNorm, _: object) -> None:
    # A std of zero is the mark of a module that was saved before it had statistics.
    norm.ready = bool((norm.std > 0).all())
