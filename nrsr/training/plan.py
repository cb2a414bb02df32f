"""An experiment's training, ready to begin: system, data, batches and settings."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from nrsr.data.batch import TrainingBatch
from nrsr.data.training_set import TrainingSet, load_batches
from nrsr.experiment.frozen import parted
from nrsr.experiment.settings import ExperimentSettings, TrainingSettings
from nrsr.systems import System
from nrsr.training.ema import Ema
from nrsr.training.processes import Processes
from nrsr.training.progress import Progress
from nrsr.training.turns import Turn


class Group(NamedTuple):
    """Batches that make one own step of a turn.

    Attributes:
        size: their number over all processes.
        local: those of this process.
        shares: what each of these counts in the step.
    """

    size: int
    local: list[list[Any]]
    shares: list[float]


@dataclass(frozen=True)
class Training:
    """An experiment's training: system, data, turns and settings.

    Attributes:
        folder: of the experiment.
        config: its settings.
        identity: what a resumed training must have in common with this one (config, data), part of last.pt.
        frozen: modules that are not trained, by name.
        ema: the mean of the weights, where the config asks for it.
        remarks: of the system on its preparation, for the log.
    """

    folder: Path
    config: ExperimentSettings
    identity: dict[str, Any]
    system: System
    turns: list[Turn]
    train_set: TrainingSet
    dev_set: TrainingSet
    processes: Processes = field(default_factory=Processes)
    frozen: dict[str, nn.Module] = field(default_factory=dict)
    ema: Ema | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def settings(self) -> TrainingSettings:
        """The config's `training`."""
        return self.config.training

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        return self.processes.device

    def plan(self, epoch: int) -> list[list[Any]]:
        """The batches of an epoch; they depend on data, batch settings and seed alone."""
        return self.train_set.batches(self.config.batches, self.config.seed, epoch)

    def loaded(self, data: TrainingSet, batches: list[list[Any]]) -> Iterator[TrainingBatch]:
        """Batches of a dataset, read ahead where that pays."""
        workers = self.config.batches.workers
        if workers is None:
            workers = data.gpu_readers if self.device.type == "cuda" else data.readers
        return load_batches(data, batches, workers)

    def prepare(self) -> None:
        """Prepare the system for the first step, by the first batches."""
        read = load_batches(self.train_set, self.plan(0))
        self.remarks.extend(self.system.prepare(batch.to(self.device) for batch in read))

    def steps_to_validation(self, batches: list[list[Any]], progress: Progress) -> list[list[Group]]:
        """The steps to come in an epoch of these batches, up to the next validation; a step has several groups where
        a turn repeats, fewer of them at the end of an epoch.
        """
        groups = grouped(batches[progress.position :], self.processes.size * self.settings.accumulate)
        steps = grouped(groups, self.repeats())
        if self.settings.epochs is None:
            interval = self.settings.interval
            left = min(interval - progress.step % interval, self.settings.steps - progress.step)
            steps = steps[: 0 if self.validation_is_due(batches, progress) else left]
        return [[Group(len(group), *self.processes.share(group)) for group in step] for step in steps]

    def validation_is_due(self, batches: list[list[Any]], progress: Progress) -> bool:
        """Whether a validation comes before the next step, in an epoch of these batches."""
        if self.settings.epochs is not None:
            return progress.position >= len(batches)
        done = progress.history[-1]["step"] if progress.history else 0
        return progress.step > done and (
            progress.step % self.settings.interval == 0 or progress.step == self.settings.steps
        )

    def repeats(self) -> int:
        """Groups of batches in a step."""
        return max(turn.settings.repeat for turn in self.turns)

    @cached_property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        if self.settings.epochs is None:
            return self.settings.steps
        size = self.settings.accumulate * self.processes.size * self.repeats()
        counts = self.train_set.batch_counts(self.config.batches, self.config.seed, self.settings.epochs)
        return sum(math.ceil(count / size) for count in counts)

    def dev_batches(self) -> list[list[Any]]:
        """The batches of the development data."""
        return self.dev_set.dev_batches(self.config.batches)

    def train_mode(self) -> None:
        """Put the system in training mode, and its frozen modules in evaluation mode."""
        self.system.train()
        for module in self.frozen.values():
            module.eval()

    def mean_weights(self) -> AbstractContextManager[None]:
        """Inside the block the system has the mean weights, where there are any."""
        return self.ema.in_place() if self.ema else nullcontext()

    def weights(self) -> dict[str, Any]:
        """What a checkpoint keeps of the system: the weights that are trained, and the checksum of the others."""
        trained, frozen = parted(self.system.state_dict(), self.frozen)
        return {"model": trained, **({"frozen": self.identity["frozen"]} if frozen else {})}


def grouped(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Runs of `size` items, the last one of what is left."""
    return [items[start : start + size] for start in range(0, len(items), size)]
