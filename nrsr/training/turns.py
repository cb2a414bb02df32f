"""Turns: the parameters that are trained together, with their losses, optimiser, schedule and combiner."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter

from nrsr.config import ConfigError, build, check_keys
from nrsr.data.batch import TrainingBatch
from nrsr.experiment.settings import TURN_KEYS
from nrsr.gradients import Combiner
from nrsr.gradients.processes import sum_tensors
from nrsr.systems import System
from nrsr.training.schedules import Schedule


class Step(NamedTuple):
    """What came of a step.

    Attributes:
        metrics: to log: losses, the combiner's metrics, "norm" of the gradient before clipping.
        counts: rows over which each loss is the mean.
        made: whether the weights moved; not where a loss or the norm is not finite.
    """

    metrics: dict[str, float]
    counts: dict[str, float]
    made: bool


@dataclass(frozen=True)
class Turn:
    """One player's part of a step. An ordinary system has one turn, an adversarial game several.

    Attributes:
        weights: loss name -> its weight; the losses that the system is asked for.
        parameters: what this turn changes.
        shared: those of them where its tasks meet, by name.
        precision: of the forward pass: float32, or what autocast takes instead.
        scaler: keeps gradients of float16 in its range; it does nothing for other precisions.
    """

    name: str
    weights: dict[str, float]
    parameters: list[Parameter]
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    combiner: Combiner
    shared: dict[str, Parameter]
    precision: torch.dtype
    scaler: torch.amp.GradScaler

    def step(
        self,
        system: System,
        batches: Sequence[TrainingBatch],
        shares: Sequence[float],
        factor: float,
        clip: float | None,
    ) -> Step:
        """One optimiser step on several batches as on one joined from them, unless something is not finite.

        Each loss is the mean over all rows that have it, in whatever batch they are. In a group of processes each
        gives its own batches, as many as the others; all make the same step.

        Args:
            shares: what each batch counts in means of the combiner's metrics; over all processes they sum to 1. A
                batch with a share of 0 stands for one that is missing, and counts in nothing.
            factor: on the optimiser's own learning rate.
            clip: largest global norm of the gradient, None for no clipping.
        """
        kept = [(buffer, buffer.clone()) for buffer in persistent_buffers(system)]
        self.optimiser.zero_grad()
        parts, counts = self._parts(system, batches, shares)
        means: dict[str, Tensor] = {}
        for batch, share, part in zip(batches, shares, parts.unbind(), strict=True):
            losses = self._losses(system, batch)
            parts_of = dict(zip(self.weights, part.unbind(), strict=True))
            weighted = {
                name: self.scaler.scale(losses[name] * (weight * parts_of[name]).to(losses[name].dtype))
                for name, weight in self.weights.items()
            }
            reported = self.combiner.backward(weighted, self.shared, self.parameters)
            for name, value in {**losses, **reported}.items():
                value = value.detach().double() * parts_of.get(name, share)
                means[name] = means[name] + value if name in means else value
        stacked = torch.stack(list(means.values()))
        sum_tensors([stacked])
        metrics = dict(zip(means, stacked.unbind(), strict=True)) | self.combiner.finish(self.parameters)
        self.scaler.unscale_(self.optimiser)
        metrics["norm"] = torch.nn.utils.clip_grad_norm_(self.parameters, math.inf if clip is None else clip)
        # The only wait for the device: what decides about the step and what is logged come over together.
        on_host = torch.cat([torch.stack([value.double() for value in metrics.values()]), counts]).tolist()
        values = dict(zip(metrics, on_host, strict=False))
        finite = all(math.isfinite(values[name]) for name in (*self.weights, "norm"))
        if finite:
            for group in self.optimiser.param_groups:
                group["lr"] = factor * group["initial_lr"]
            self.optimiser.step()
        else:
            # Running statistics of normalisation layers have seen the bad values; the step leaves no trace of them.
            for buffer, before in kept:
                buffer.copy_(before)
        self.scaler.update()
        return Step(values, dict(zip(self.weights, on_host[len(metrics) :], strict=True)), finite)

    def _parts(
        self, system: System, batches: Sequence[TrainingBatch], shares: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """What part of each loss's rows each batch has, float64 [batches, losses], and all rows of each [losses].

        The parts of a loss sum to 1 over batches and processes.
        """
        device = self.parameters[0].device
        found = [system.counts(batch, self.name, self.weights.keys()) for batch in batches]
        rows = [
            torch.as_tensor(counts[name], dtype=torch.float64, device=device) * (share > 0)
            for counts, share in zip(found, shares, strict=True)
            for name in self.weights
        ]
        counts = torch.stack(rows).view(len(batches), len(self.weights))
        totals = counts.sum(0)
        sum_tensors([totals])
        return counts / totals.clamp_min(1), totals

    def _losses(self, system: System, batch: TrainingBatch) -> dict[str, Tensor]:
        """The turn's losses, in the precision of the training."""
        mixed = self.precision != torch.float32
        with torch.autocast(self.parameters[0].device.type, self.precision, enabled=mixed):
            return system.losses(batch, self.name, self.weights.keys())


def persistent_buffers(system: System) -> list[Tensor]:
    """Buffers that belong to the saved state, such as running statistics (positional tables do not)."""
    return [
        buffer
        for module in system.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name not in module._non_persistent_buffers_set
    ]


def build_turns(config: dict[str, Any], system: System, precision: str = "float32") -> list[Turn]:
    """The turns of a config for a system, in the order of `system.turns()`.

    Args:
        precision: as in `TrainingSettings`.

    Raises:
        ConfigError: turns or keys at odds with the system, a weight that is no number.
    """
    parameters = system.turns()
    specs = config.get("turns", {"main": {key: config[key] for key in TURN_KEYS if key in config}})
    if specs.keys() != parameters.keys():
        raise ConfigError(f"turns: the system takes turns {', '.join(parameters)}; the config has {', '.join(specs)}")
    inner = {name: f"turns.{name}." if "turns" in config else "" for name in parameters}
    names = {id(parameter): name for name, parameter in system.named_parameters()}
    turns = []
    for name in parameters:
        meeting = [parameter for parameter in system.shared_parameters(name) if parameter.requires_grad]
        shared = {names[id(parameter)]: parameter for parameter in meeting}
        turns.append(_build_turn(specs[name], name, parameters[name], shared, precision, inner[name]))
    return turns


def _build_turn(
    spec: dict[str, Any],
    name: str,
    parameters: Sequence[Parameter],
    shared: dict[str, Parameter],
    precision: str,
    where: str,
) -> Turn:
    check_keys(spec, TURN_KEYS, where.rstrip(".") or "config")
    weights = spec.get("loss_weights")
    if not isinstance(weights, dict) or not weights:
        raise ConfigError(f"{where}loss_weights: expected `name: weight` lines, found {weights!r}")
    for loss, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
            raise ConfigError(f"{where}loss_weights.{loss}: {weight!r} is no number")
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    optimiser = build(spec.get("optimiser", {}), torch.optim.Optimizer, f"{where}optimiser", params=trained)
    for group in optimiser.param_groups:
        group["initial_lr"] = group["lr"]
    schedule = build(spec.get("schedule", {"class": "nrsr.training.schedules.Constant"}), Schedule, f"{where}schedule")
    combiner = build(spec.get("gradients", {"class": "nrsr.gradients.Sum"}), Combiner, f"{where}gradients")
    combiner.check(list(weights))
    scaler = torch.amp.GradScaler(trained[0].device.type, enabled=precision == "float16")
    combiner.loss_scale = scaler.get_scale
    return Turn(name, weights, trained, optimiser, schedule, combiner, shared, getattr(torch, precision), scaler)
