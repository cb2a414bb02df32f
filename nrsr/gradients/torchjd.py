"""The gradient methods of TorchJD (PCGrad, GradVac, CAGrad, MGDA, Nash-MTL, Aligned-MTL, UPGrad, ...)."""

import zlib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torchjd.aggregation import Aggregator

from nrsr.config import ConfigError, build
from nrsr.gradients.gramian import GramianCombiner


class TorchJd(GramianCombiner):
    """One of TorchJD's aggregators that weights the tasks' gradients, for any number of tasks that it takes.

    The aggregator is given a small matrix with the same inner products as the gradients, from which its weights come.
    That is done on the host: one transfer a call, whatever the number of groups.

    Args:
        aggregator: `{class: torchjd.aggregation.PCGrad}`, with the class's own arguments beside it.
        granularity, per: as in `GramianCombiner`; the papers of these methods take "all", the default here.

    Figures: those of `conflict_figures`.

    GradVac and Nash-MTL keep running values, which a training that goes on after a kill starts anew.

    Raises:
        ConfigError: a class that is no aggregator of TorchJD's or does not weight gradients, or lacks a library.
    """

    def __init__(self, aggregator: dict[str, Any], granularity: str = "all", per: str = "micro-batch") -> None:
        super().__init__(granularity, per)
        try:
            made = build(aggregator, Aggregator, "gradients.aggregator")
        except ImportError as error:
            raise ConfigError(
                f'gradients.aggregator: {aggregator["class"]} needs more libraries; pip install "torchjd[full]"'
            ) from error
        if not hasattr(made, "weighting"):
            raise ConfigError(
                f"gradients.aggregator: {type(made).__name__} gives no weights for the gradients; take a weighted "
                "aggregator of TorchJD, as torchjd.aggregation.PCGrad"
            )
        # Some of them remember: one for each group.
        self._made, self._aggregators = made, []

    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        host = gramians.detach().cpu()
        if not host.isfinite().all():  # the sum of such gradients is not finite either, and the step is skipped
            return torch.ones_like(gramians[:, 0]), {}
        while len(self._aggregators) < len(host):
            self._aggregators.append(deepcopy(self._made))
        # Some of them draw the order of the tasks from torch's global generator: here from a seed that all processes
        # share, and without any effect on what dropout draws.
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(zlib.crc32(host.numpy().tobytes()))
            rows = [
                aggregator.weighting(matrix).double()
                for aggregator, matrix in zip(self._aggregators, roots(host), strict=True)
            ]
        return torch.stack(rows).to(gramians.device), {}


def roots(gramians: Tensor) -> Tensor:
    """Matrices [groups, tasks, tasks] whose rows have the inner products `gramians`."""
    values, vectors = torch.linalg.eigh(gramians)
    return vectors * values.clamp_min(0.0).sqrt().unsqueeze(1)
