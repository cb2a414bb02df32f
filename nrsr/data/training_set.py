"""What training needs of a data set of any kind: examples, their batches by epoch, and remarks for the user."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from nrsr.data.batch import TrainingBatch
from nrsr.data.batches import BatchSettings
from nrsr.data.reading_ahead import BatchReader, checked, leave_signals_to_main_process


class TrainingSet(Dataset, ABC):
    """Utterances to train on or to validate with; a system names the kind it takes as `System.data`.

    Training builds it as `(path, units, rate, settings, allow_pipes=..., **data)`: data directory, `Units` or None,
    samples a second, `BatchSettings`, and the keys of the config's `data`.

    Attributes:
        path: the data directory.
        ids: utterances, in C order.
        skipped: utterances left out, with the reason; the part before a colon is its kind.
        readers: processes that should read ahead in a training on a CPU: 1 where reading an example takes some work.
        gpu_readers: the same for a GPU, which outruns one reader.
    """

    path: Path
    ids: list[str]
    skipped: dict[str, str]
    readers: int = 0
    gpu_readers: int = 2

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def __getitem__(self, item: Any) -> Any:
        """One example, for an item of a batch: the utterance's number, perhaps with what is drawn for it in an epoch.

        The item holds all that is drawn, so that it does not matter which process reads it, and when.
        """

    @abstractmethod
    def collate(self, examples: Sequence[Any]) -> TrainingBatch:
        """Pad and stack examples."""

    @abstractmethod
    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[Any]]:
        """The batches of a training epoch, lists of items; the same for the same arguments."""

    def batch_counts(self, settings: BatchSettings, seed: int, epochs: int) -> list[int]:
        """How many batches each of the first epochs has; overridden where that is known with less work."""
        return [len(self.batches(settings, seed, epoch)) for epoch in range(epochs)]

    @abstractmethod
    def dev_batches(self, settings: BatchSettings) -> list[list[Any]]:
        """The batches of a validation, the same each time."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of ids, lengths and targets: equal if two runs train on the same data."""

    def frame_states(self) -> dict[str, str]:
        """utterance -> size and time of the files with frames that another system stored for it; none by default."""
        return {}

    def metadata(self) -> dict[str, Any]:
        """Metadata of the training data: further arguments of the system, written into the experiment as JSON.

        Class lists and counts, say; nothing by default.
        """
        return {}

    def apply_metadata(self, metadata: dict[str, Any]) -> None:
        """Number and count as the training data do, whose metadata these are; called for the development data."""
        return

    def prepare_for_training(self) -> None:
        """Open what training draws on the fly, and leave out what is for validation alone; nothing by default.

        It is called for the training data, once, before anything below.
        """
        return

    def prepare_for(self, system: nn.Module) -> None:
        """Leave out, and note in `skipped`, what this system cannot train on; nothing by default."""
        return

    def notes(self) -> list[str]:
        """Remarks for the user on the data, beside skipped utterances, one line each."""
        return []

    def reasons(self) -> str:
        """How many utterances were left out, by the kind of reason, for one line on stderr."""
        kinds = Counter(reason.split(":")[0] for reason in self.skipped.values())
        return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def load_batches(data: TrainingSet, batches: Sequence[list[Any]], workers: int = 0) -> Iterator[TrainingBatch]:
    """Read batches in this order, in `workers` processes ahead of the training or, with 0, when they are asked for.

    Raises:
        NrsrError, OSError: a batch that cannot be read, when it is its turn.
    """
    loader = DataLoader(
        BatchReader(data),
        sampler=batches,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=leave_signals_to_main_process,
        pin_memory=torch.cuda.is_available(),
        # DataLoader draws a seed for its workers; drawn from the global generator it would change what a resumed
        # run draws for dropout.
        generator=torch.Generator(),
    )
    return checked(iter(loader))
