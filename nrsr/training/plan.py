"""What is trained, on what, in which batches; and the criteria of the development data."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nrsr.data.batch import TrainingBatch
from nrsr.data.batches import BatchSettings
from nrsr.data.training_set import TrainingSet, load_batches
from nrsr.experiment.settings import TrainingSettings
from nrsr.systems import System
from nrsr.training.processes import Processes
from nrsr.training.stopping import StopSignal
from nrsr.training.turns import Turn


@dataclass(frozen=True)
class Training:
    """What is trained, on what, and how.

    Attributes:
        folder: of the experiment.
        identity: what a resumed training must have in common with this one (config, data), part of last.pt.
    """

    folder: Path
    identity: dict[str, Any]
    system: System
    turns: list[Turn]
    train_set: TrainingSet
    dev_set: TrainingSet
    settings: TrainingSettings
    batching: BatchSettings
    seed: int
    processes: Processes = field(default_factory=Processes)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.processes.device

    def plan(self, epoch: int) -> list[list[Any]]:
        """The batches of an epoch; they depend on data, batch settings and seed alone."""
        return self.train_set.batches(self.batching, self.seed, epoch)

    def loaded(self, data: TrainingSet, batches: list[list[Any]]) -> Iterator[TrainingBatch]:
        """Batches of a dataset, read ahead where that pays."""
        workers = self.batching.workers
        return load_batches(data, batches, 2 * (self.device.type == "cuda") if workers is None else workers)

    def total_steps(self) -> int:
        """Steps of all epochs."""
        plans = (self.plan(epoch) for epoch in range(self.settings.epochs))
        return sum(math.ceil(len(plan) / (self.settings.accumulate * self.processes.size)) for plan in plans)

    def dev_batches(self) -> list[list[Any]]:
        """The batches of the development data."""
        return self.dev_set.dev_batches(self.batching)


@torch.no_grad()
def validate(training: Training, batches: list[list[Any]], stop: StopSignal | None = None) -> dict[str, float]:
    """Criteria over batches of the development data: sums divided by counts, brought to the host at the end.

    The processes take turns with the batches, and all get the same criteria.
    """
    sums: dict[str, torch.Tensor] = {}
    processes = training.processes
    training.system.eval()
    for batch in training.loaded(training.dev_set, batches[processes.rank :: processes.size]):
        if stop is not None and stop.name:
            break
        for name, (value, count) in training.system.validate(batch.to(training.device)).items():
            pair = torch.stack([value.double(), count.double()])
            sums[name] = sums[name] + pair if name in sums else pair
    parts = processes.gathered(host(sums))
    names = dict.fromkeys(name for part in parts for name in part)
    whole = {
        name: [sum(column) for column in zip(*(p[name] for p in parts if name in p), strict=True)] for name in names
    }
    return {name: value / count if count else math.nan for name, (value, count) in whole.items()}


def host(tensors: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Small tensors of one shape as lists, in one transfer."""
    return dict(zip(tensors, torch.stack(list(tensors.values())).tolist(), strict=True)) if tensors else {}
