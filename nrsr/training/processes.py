"""Training by several processes, one for each GPU or share of the CPU, as torchrun starts them."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from nrsr.systems import System

# Others wait while the first process averages and saves, and while the slowest one validates.
TIMEOUT = timedelta(hours=2)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """The processes of one training; with a single one, the methods do nothing.

    Attributes:
        rank: of this process; the one of rank 0 writes files and logs.
        size: how many there are.
        device: on which this process computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")

    def share(self, group: Sequence[Item]) -> tuple[list[Item], list[float]]:
        """This process' batches of a step, and what each counts in the mean over all of them.

        All processes get as many; where there are too few batches, one is repeated with a share of 0.
        """
        numbers = [slot * self.size + self.rank for slot in range(math.ceil(len(group) / self.size))]
        shares = [1.0 / len(group) if number < len(group) else 0.0 for number in numbers]
        return [group[min(number, len(group) - 1)] for number in numbers], shares

    def anywhere(self, *flags: bool) -> list[bool]:
        """Which flags are set in at least one process."""
        if self.size == 1:
            return list(flags)
        counts = torch.tensor(flags, dtype=torch.int32, device=self.device)
        dist.all_reduce(counts)
        return [count > 0 for count in counts.tolist()]

    def gathered(self, value: Any) -> list[Any]:
        """The value of each process, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.size > 1:
            dist.barrier()

    def share_buffers(self, system: System) -> None:
        """Give all processes the buffers of the first, as running statistics, which each has of its own batches."""
        if self.size > 1:
            for buffer in system.buffers():
                dist.broadcast(buffer, 0)


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """The processes that torchrun has started, or this one alone."""
    size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size == 1:
        yield Processes(device=device)
        return
    dist.init_process_group("nccl" if cuda else "gloo", timeout=TIMEOUT)
    try:
        yield Processes(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()
