"""Turns: the parameters that are trained together, with their losses, optimiser, schedule and combiner."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import Parameter

from nrsr.config import ConfigError, build
from nrsr.data.batch import TrainingBatch
from nrsr.experiment.turn_settings import TurnSettings
from nrsr.gradients import Combiner
from nrsr.gradients.processes import process_count, sum_tensors
from nrsr.systems import LossError, System
from nrsr.training.schedules import Schedule


class Step(NamedTuple):
    """The outcome of a step.

    Attributes:
        metrics: to log: losses, the combiner's metrics, "norm" of the gradient before clipping.
        counts: rows over which each loss is the mean.
        updated: whether the weights were updated; not where a loss or the norm is not finite.
    """

    metrics: dict[str, float]
    counts: dict[str, float]
    updated: bool


class Buffers:
    """Buffers of a system that belong to its saved state, such as running statistics (positional tables do not)."""

    def __init__(self, system: System):
        # Where they are, and not what they are: a module may put another tensor there.
        self._places = [
            (module, name)
            for module in system.modules()
            for name, _ in module.named_buffers(recurse=False)
            if name not in module._non_persistent_buffers_set
        ]

    def values(self) -> list[Tensor]:
        """The tensors that are there now."""
        return [getattr(module, name) for module, name in self._places]


@dataclass(frozen=True)
class Turn:
    """One player's part of a step. An ordinary system has one turn, an adversarial game several.

    Attributes:
        settings: from the config.
        parameters: those that this turn trains.
        shared: those of them that its tasks share, by name.
        buffers: of the system; a skipped step leaves them unchanged.
        precision: of the forward pass: float32, or what autocast takes instead.
        scaler: keeps gradients of float16 in its range; it does nothing for other precisions.
    """

    name: str
    settings: TurnSettings
    parameters: list[Parameter]
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    combiner: Combiner
    shared: dict[str, Parameter]
    buffers: Buffers
    precision: torch.dtype
    scaler: torch.amp.GradScaler

    def factor(self, step: int, repeat: int, total: int) -> float:
        """On the optimiser's own learning rate, at an own step within a step of a training of `total` steps."""
        return self.schedule.factor(self.settings.own_step(step) + repeat, self.settings.own_step(total))

    def step(
        self,
        system: System,
        batches: Sequence[TrainingBatch],
        shares: Sequence[float],
        factor: float = 1.0,
        weights: dict[str, float] | None = None,
    ) -> Step:
        """One optimiser step on several batches as on one joined from them, unless something is not finite.

        Each loss is the mean over all rows that have it, in whatever batch they are. In a group of processes each
        gives its own batches, as many as the others; all make the same step.

        Args:
            shares: what each batch counts in means of the combiner's metrics; over all processes they sum to 1. A
                batch with a share of 0 fills the place of a missing one, and does not count.
            factor: on the optimiser's own learning rate.
            weights: of the losses that count now; all of the turn's by default.
        """
        if weights is None:
            weights = {name: loss.weight for name, loss in self.settings.loss_weights.items()}
        kept = [(buffer, buffer.clone()) for buffer in self.buffers.values()]
        self.optimiser.zero_grad()
        parts, counts = self._parts(system, batches, shares, weights)
        means: dict[str, Tensor] = {}
        for batch, share, part in zip(batches, shares, parts, strict=True):
            losses = self._losses(system, batch, weights)
            weighted = {
                name: self.scaler.scale(losses[name] * _like(weight * part[name], losses[name]))
                for name, weight in weights.items()
            }
            reported = self.combiner.backward(weighted, self.shared, self.parameters)
            for name, value in {**losses, **reported}.items():
                value = value.detach().double() * part.get(name, share)
                means[name] = means[name] + value if name in means else value
        if process_count() > 1:
            stacked = torch.stack(list(means.values()))
            sum_tensors([stacked])
            means = dict(zip(means, stacked.unbind(), strict=True))
        metrics = means | self.combiner.finish(self.parameters)
        self.scaler.unscale_(self.optimiser)
        clip = math.inf if self.settings.clip is None else self.settings.clip
        metrics["norm"] = torch.nn.utils.clip_grad_norm_(self.parameters, clip)
        # The only wait for the device: what decides about the step and what is logged come over together.
        counted = [value.to(metrics["norm"].device) for value in counts.values() if isinstance(value, Tensor)]
        on_host = torch.stack([value.double() for value in (*metrics.values(), *counted)]).tolist()
        values, rest = dict(zip(metrics, on_host, strict=False)), iter(on_host[len(metrics) :])
        finite = all(math.isfinite(values[name]) for name in (*weights, "norm"))
        if finite:
            for group in self.optimiser.param_groups:
                group["lr"] = factor * group["initial_lr"]
            self.optimiser.step()
        else:
            # Running statistics of normalisation layers have seen the bad values; the step leaves no trace of them.
            for buffer, before in kept:
                buffer.copy_(before)
        self.scaler.update()
        rows = {name: next(rest) if isinstance(value, Tensor) else value for name, value in counts.items()}
        return Step(values, rows, finite)

    def _parts(
        self,
        system: System,
        batches: Sequence[TrainingBatch],
        shares: Sequence[float],
        weights: dict[str, float],
    ) -> tuple[list[dict[str, Tensor | float]], dict[str, Tensor | int]]:
        """What part of each loss's rows each batch has, and all rows of each loss.

        The parts of a loss sum to 1 over batches and processes.
        """
        counts_of = [system.counts(batch, self.name, weights.keys()) for batch in batches]
        if len(batches) == 1 and process_count() == 1:
            return [dict.fromkeys(weights, 1.0)], {name: counts_of[0][name] for name in weights}
        device = self.parameters[0].device
        rows = [
            torch.as_tensor(counts[name], dtype=torch.float64, device=device) * (share > 0)
            for counts, share in zip(counts_of, shares, strict=True)
            for name in weights
        ]
        counts = torch.stack(rows).view(len(batches), len(weights))
        totals = counts.sum(0)
        sum_tensors([totals])
        parts = (counts / totals.clamp_min(1)).unbind()
        return (
            [dict(zip(weights, part.unbind(), strict=True)) for part in parts],
            dict(zip(weights, totals.unbind(), strict=True)),
        )

    def _losses(self, system: System, batch: TrainingBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """The turn's losses, in the precision of the training.

        Raises:
            LossError: a loss that no parameter moves.
        """
        mixed = self.precision != torch.float32
        with torch.autocast(self.parameters[0].device.type, self.precision) if mixed else nullcontext():
            losses = system.losses(batch, self.name, weights.keys())
        for name in weights:
            if not losses[name].requires_grad:
                raise LossError(
                    f"loss_weights.{name}: depends on no parameter that is trained; take it out, or freeze less"
                )
        return losses


def _like(factor: Tensor | float, loss: Tensor) -> Tensor | float:
    """A factor in the precision of a loss."""
    return factor.to(loss.dtype) if isinstance(factor, Tensor) else factor


def build_turns(settings: dict[str, TurnSettings], system: System, precision: str = "float32") -> list[Turn]:
    """The turns of a config (`parse_turns`) for a system, in the order of `system.turns()`.

    Args:
        precision: as in `TrainingSettings`.

    Raises:
        ConfigError: turns at odds with the system, one without parameters, a slot that is filled wrongly.
    """
    parameters = system.turns()
    if settings.keys() != parameters.keys():
        raise ConfigError(
            f"turns: the system takes turns {', '.join(parameters)}; the config has {', '.join(settings)}"
        )
    names = {id(parameter): name for name, parameter in system.named_parameters()}
    buffers, turns = Buffers(system), []
    for name, spec in settings.items():
        where = f"turns.{name}." if [*settings] != ["main"] else ""
        if not parameters[name]:
            raise ConfigError(
                f"system: {type(system).__name__} has nothing to train; apply it with nrsr apply --config"
            )
        trained = [parameter for parameter in parameters[name] if parameter.requires_grad]
        if not trained:
            raise ConfigError(f"turns.{name}: all its parameters are frozen, so that it never moves; freeze less")
        meeting = [parameter for parameter in system.shared_parameters(name) if parameter.requires_grad]
        shared = {names[id(parameter)]: parameter for parameter in meeting}
        turns.append(_build_turn(spec, name, trained, shared, buffers, precision, where))
    order = list(parameters)
    return sorted(turns, key=lambda turn: order.index(turn.name))


def _build_turn(
    settings: TurnSettings,
    name: str,
    trained: list[Parameter],
    shared: dict[str, Parameter],
    buffers: Buffers,
    precision: str,
    where: str,
) -> Turn:
    optimiser = build(settings.optimiser, torch.optim.Optimizer, f"{where}optimiser", params=trained)
    for group in optimiser.param_groups:
        group["initial_lr"] = group["lr"]
    schedule = build(settings.schedule, Schedule, f"{where}schedule")
    combiner = build(settings.gradients, Combiner, f"{where}gradients")
    for step in sorted({settings.start, *(loss.start for loss in settings.loss_weights.values())}):
        combiner.check(list(settings.weights_at(max(step, settings.start))))
    scaler = torch.amp.GradScaler(trained[0].device.type, enabled=precision == "float16")
    combiner.loss_scale = scaler.get_scale
    return Turn(
        name, settings, trained, optimiser, schedule, combiner, shared, buffers, getattr(torch, precision), scaler
    )


def check_moves(turns: list[Turn], total: int) -> None:
    """Refuse a turn or a loss that starts after the last of `total` steps.

    Raises:
        ConfigError: there is one.
    """
    for turn in turns:
        late = {f"turns.{turn.name}.start": turn.settings.start}
        late |= {
            f"loss_weights.{name}.start of turn {turn.name}": loss.start
            for name, loss in turn.settings.loss_weights.items()
        }
        for where, start in late.items():
            if start >= total:
                raise ConfigError(
                    f"{where}: {start}, but the training has {total} steps, so that it never moves; take a lower start"
                )
