"""The gradient methods of TorchJD (PCGrad, GradVac, CAGrad, MGDA, Nash-MTL, Aligned-MTL, ConFIG, UPGrad, ...)."""

import zlib
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torchjd.aggregation import (
    Aggregator,
    ConFIG,
    Constant,
    GramianWeightedAggregator,
    Mean,
    NashMTL,
    Random,
    Sum,
)

from nrsr.config import ConfigError, build
from nrsr.gradients.combiner import GradientError
from nrsr.gradients.gramian import GramianCombiner

# Those that depend on nothing but the gradients' inner products, or their number.
TAKEN = (GramianWeightedAggregator, ConFIG, Constant, Mean, NashMTL, Random, Sum)
# Directions nearer to each other than this (as a share of the largest singular value, squared) count as the same:
# what rounding leaves of gradients that are multiples of each other is no direction.
SAME = 1e-6


class TorchJd(GramianCombiner):
    """One of TorchJD's aggregators, for any number of tasks that it takes.

    The combined gradient is TorchJD's on the gradients themselves. It is found from their inner products, in the
    gradients' precision and without the scale of float16: they are all that these methods depend on. Those that
    look at single entries of the gradients (ExcessMTL, GradDrop, TrimmedMean) are refused. The weights are found on
    the host: one transfer a call, whatever the number of groups.

    Args:
        aggregator: `{class: torchjd.aggregation.PCGrad}`, with the class's own arguments beside it; a list of numbers
            is taken as a vector (`weights` of Constant, `pref_vector`, `tau`).
        granularity, per: as in `GramianCombiner`; the papers of these methods take "all", the default here.

    Statistics: those of `conflict_statistics`.

    GradVac, Nash-MTL and PCD keep running values, which a training that goes on after a kill starts anew.

    Raises:
        ConfigError: a class that is no aggregator of TorchJD's, or that inner products do not suffice; a library that
            it lacks.
    """

    def __init__(self, aggregator: dict[str, Any], granularity: str = "all", per: str = "micro-batch") -> None:
        super().__init__(granularity, per)
        try:
            prototype = build(with_vectors(aggregator), Aggregator, "gradients.aggregator")
        except ImportError as error:
            raise ConfigError(
                f'gradients.aggregator: {aggregator["class"]} needs more libraries; pip install "torchjd[full]"'
            ) from error
        except AttributeError as error:  # TorchJD asks what it takes for a tensor for its dimensions
            raise ConfigError(
                f"gradients.aggregator: {aggregator['class']} does not take these arguments ({error}); give its "
                "vectors as lists of numbers"
            ) from error
        if not isinstance(prototype, TAKEN):
            raise ConfigError(
                f"gradients.aggregator: {type(prototype).__name__} looks at single entries of the gradients, not at "
                "their inner products alone; take another aggregator of TorchJD, as torchjd.aggregation.PCGrad"
            )
        # Some of them have a state: one object for each group.
        self._prototype, self._aggregators = prototype, []

    def check(self, losses: Sequence[str]) -> None:
        self._weights(deepcopy(self._prototype), torch.eye(len(losses)), losses)

    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        host = gramians.detach().cpu() / self.loss_scale() ** 2
        if not host.isfinite().all():  # the sum of such gradients is not finite either, and the step is skipped
            return torch.ones_like(gramians[:, 0]), {}
        while len(self._aggregators) < len(host):
            self._aggregators.append(deepcopy(self._prototype))
        # Rank and direction are decided by the precision of the gradients, not by that of their sums.
        host = host.to(self.gradient_type)
        # Some of them draw the order of the tasks from torch's global generator: here from a seed that all processes
        # share, and without any effect on what dropout draws (torch.manual_seed would reseed the GPUs as well).
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(zlib.crc32(host.numpy().tobytes()))
            rows = [
                self._weights(aggregator, gramian, tasks)
                for aggregator, gramian in zip(self._aggregators, host, strict=False)
            ]
        return torch.stack(rows).to(gramians.device), {}

    @torch.no_grad()
    def _weights(self, aggregator: Aggregator, gramian: Tensor, tasks: Sequence[str]) -> Tensor:
        """Weights [tasks], float64, of gradients with the inner products [tasks, tasks]."""
        if not gramian.any():  # nothing to combine, on which some of the solvers stumble
            return torch.ones(len(gramian), dtype=torch.float64)
        try:
            if isinstance(aggregator, GramianWeightedAggregator):
                return aggregator.gramian_weighting(gramian).double()
            if isinstance(aggregator, ConFIG):
                return weights_of_sum(aggregator, roots(gramian))
            return aggregator.weighting(roots(gramian)).double()
        except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise GradientError(
                f"gradients.aggregator: {type(aggregator).__name__} does not combine the gradients of the "
                f"{len(tasks)} losses {', '.join(tasks)} ({' '.join(str(error).split())}); set its arguments "
                "for as many, or take another aggregator"
            ) from error


def with_vectors(spec: dict[str, Any]) -> dict[str, Any]:
    """A config's aggregator with tensors in place of lists of numbers."""
    if not isinstance(spec, dict):
        return spec
    return {key: torch.tensor(value, dtype=torch.float32) if numbers(value) else value for key, value in spec.items()}


def numbers(value: object) -> bool:
    """Whether a value is a list of numbers."""
    return isinstance(value, list) and all(isinstance(n, int | float) and not isinstance(n, bool) for n in value)


def roots(gramians: Tensor) -> Tensor:
    """Matrices [..., tasks, tasks] whose rows have the inner products `gramians`, each row in a precision of its own.

    The rows of unit length are found first: beside a gradient 1e10 times as long, a short one keeps its direction.
    """
    norms = gramians.double().diagonal(dim1=-2, dim2=-1).clamp_min(0.0).sqrt().unsqueeze(-1)
    lengths = torch.where(norms > 0, norms, 1.0)
    values, vectors = torch.linalg.eigh(gramians.double() / lengths / lengths.mT)
    values = torch.where(values > SAME * values.amax(-1, keepdim=True), values, 0.0)
    return (vectors * values.sqrt().unsqueeze(-2) * norms).to(gramians.dtype)


def weights_of_sum(aggregator: Aggregator, rows: Tensor) -> Tensor:
    """Weights [tasks], float64, with which rows [tasks, tasks] sum up to what an aggregator returns for them."""
    total, rows = aggregator(rows).double(), rows.double()
    lengths = rows.norm(dim=1)
    there = lengths > 0
    directions = torch.where(there.unsqueeze(1), rows / lengths.unsqueeze(1), 0.0)
    return torch.where(there, torch.linalg.pinv(directions.T, rtol=SAME) @ total / lengths, 0.0)
