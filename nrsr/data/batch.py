"""One batch of utterances: what a dataset yields, padded and stacked for a system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

SameBatch = TypeVar("SameBatch", bound="TrainingBatch")


@dataclass(frozen=True)
class Example:
    """One utterance.

    Attributes:
        id: utterance id.
        wave: float32 [T] in [-1, 1).
        clean: parallel clean speech, float32 [T], or None where there is none.
        targets: unit ids, int64 [U].
        labels: name -> class of the utterance.
    """

    id: str
    wave: np.ndarray
    clean: np.ndarray | None
    targets: np.ndarray
    labels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingBatch:
    """What batches of every kind have in common.

    Attributes:
        ids: utterance ids, B of them.
    """

    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self: SameBatch, device: torch.device | str) -> SameBatch:
        """The same batch on another device."""
        return self._changed(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self: SameBatch) -> SameBatch:
        """The same batch in page-locked memory, which DataLoader asks for so that copies to a GPU overlap."""
        return self._changed(Tensor.pin_memory)

    def _changed(self: SameBatch, change: Callable[[Tensor], Tensor]) -> SameBatch:
        """With another tensor for each one, those in mappings included."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        changed = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
        for name, value in values.items():
            if isinstance(value, dict):
                changed[name] = {key: change(tensor) for key, tensor in value.items()}
        return replace(self, **changed)


@dataclass(frozen=True)
class Batch(TrainingBatch):
    """Utterances padded with zeros to the longest one.

    Attributes:
        waves: float32 [B, T] in [-1, 1).
        lengths: samples of each wave, int64 [B].
        clean: parallel clean speech, float32 [B, T], zeros for utterances without; None when no utterance has it.
        has_clean: which utterances have parallel clean speech, bool [B].
        targets: unit ids, int64 [B, U], padded with 0 (the blank).
        target_lengths: int64 [B].
        labels: name -> class of each utterance, int64 [B], `nrsr.data.labels.UNKNOWN` where it has none.
    """

    waves: Tensor
    lengths: Tensor
    clean: Tensor | None
    has_clean: Tensor
    targets: Tensor
    target_lengths: Tensor
    labels: dict[str, Tensor] = field(default_factory=dict)


def pad(arrays: Sequence[np.ndarray | None], width: int, dtype: torch.dtype) -> Tensor:
    """Stack vectors of different lengths into [B, width], zeros behind each (and throughout for None)."""
    padded = torch.zeros(len(arrays), width, dtype=dtype)
    for row, array in zip(padded, arrays, strict=True):
        if array is not None:
            row[: len(array)] = torch.from_numpy(array)
    return padded


def collate(examples: Sequence[Example]) -> Batch:
    """Pad and stack examples."""
    lengths = [len(example.wave) for example in examples]
    target_lengths = [len(example.targets) for example in examples]
    has_clean = [example.clean is not None for example in examples]
    clean = [example.clean for example in examples]
    return Batch(
        ids=[example.id for example in examples],
        waves=pad([example.wave for example in examples], max(lengths), torch.float32),
        lengths=torch.tensor(lengths),
        clean=pad(clean, max(lengths), torch.float32) if any(has_clean) else None,
        has_clean=torch.tensor(has_clean),
        targets=pad([example.targets for example in examples], max(target_lengths), torch.int64),
        target_lengths=torch.tensor(target_lengths),
        labels={name: torch.tensor([example.labels[name] for example in examples]) for name in examples[0].labels},
    )
