"""One batch of utterances: what a dataset yields, padded and stacked for a system."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from nrsr.errors import NrsrError


class WaveError(NrsrError):
    """A waveform that is none."""


SameBatch = TypeVar("SameBatch", bound="TrainingBatch")


@dataclass(frozen=True)
class Example:
    """One utterance.

    Attributes:
        id: utterance id.
        wave: float32 [T] in [-1, 1).
        clean: parallel clean speech, float32 [T], or None where there is none.
        targets: unit ids, int64 [U], or None where no units are learnt.
        labels: name -> class of the utterance.
        sources: in mixtures of speakers, the clean speech of each, float32 [K, T]; `clean` is None then.
        frames: name -> stored frames of the utterance, float32 [N, D].
    """

    id: str
    wave: np.ndarray
    clean: np.ndarray | None
    targets: np.ndarray | None
    labels: dict[str, int] = field(default_factory=dict)
    sources: np.ndarray | None = None
    frames: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingBatch:
    """The base of batches of every kind.

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
        has_clean: which utterances have parallel clean speech, or sources, bool [B].
        targets: unit ids, int64 [B, U], padded with 0 (the blank); None where no units are learnt.
        target_lengths: int64 [B], or None.
        labels: name -> class of each utterance, int64 [B], `nrsr.data.labels.UNKNOWN` where it has none.
        sources: in mixtures of speakers, the clean speech of each, float32 [B, K, T], zeros for utterances without;
            None when no utterance has them.
        frames: name -> stored frames of each utterance, float32 [B, N, D], zeros past its end.
    """

    waves: Tensor
    lengths: Tensor
    clean: Tensor | None
    has_clean: Tensor
    targets: Tensor | None
    target_lengths: Tensor | None
    labels: dict[str, Tensor] = field(default_factory=dict)
    sources: Tensor | None = None
    frames: dict[str, Tensor] = field(default_factory=dict)


def pad(arrays: Sequence[np.ndarray | None], width: int, dtype: torch.dtype) -> Tensor:
    """Stack vectors of different lengths into [B, width], zeros behind each (and throughout for None)."""
    padded = torch.zeros(len(arrays), width, dtype=dtype)
    for row, array in zip(padded, arrays, strict=True):
        if array is not None:
            row[: len(array)] = torch.from_numpy(array)
    return padded


def padded(arrays: Sequence[np.ndarray], device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Waveforms [T] each as one batch [B, T] on a device, and their lengths [B].

    Args:
        arrays: floats in ±1, or integers of 16 or 32 bits, of which the whole range becomes ±1.

    Raises:
        WaveError: numbers of another kind.
    """
    lengths = [len(array) for array in arrays]
    waves = pad([_as_floats(array) for array in arrays], max(lengths), torch.float32)
    return waves.to(device), torch.tensor(lengths, device=device)


def _as_floats(wave: np.ndarray) -> np.ndarray:
    """A waveform as floats in ±1."""
    if wave.dtype in (np.int16, np.int32):
        return (wave / -float(np.iinfo(wave.dtype).min)).astype(np.float32)
    if wave.dtype.kind != "f":
        raise WaveError(f"a waveform of {wave.dtype}; give floats in ±1, or integers of 16 or 32 bits")
    return wave


def pad_sources(arrays: Sequence[np.ndarray | None], width: int) -> Tensor | None:
    """Stack sources [K, T] of different lengths into float32 [B, K, width], zeros for None; None where all are None."""
    counts = {len(array) for array in arrays if array is not None}
    if not counts:
        return None
    padded = torch.zeros(len(arrays), counts.pop(), width)
    for row, array in zip(padded, arrays, strict=True):
        if array is not None:
            row[:, : array.shape[1]] = torch.from_numpy(array)
    return padded


def pad_frames(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stack frames [N, D] of different numbers into float32 [B, most N, D]."""
    padded = torch.zeros(len(arrays), max(map(len, arrays)), arrays[0].shape[1])
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = torch.from_numpy(array)
    return padded


def collate(examples: Sequence[Example], samples: int = 0) -> Batch:
    """Pad and stack examples.

    Args:
        samples: pad the waveforms to at least so many.
    """
    lengths = [len(example.wave) for example in examples]
    longest = max(samples, *lengths)
    clean, sources = [example.clean for example in examples], [example.sources for example in examples]
    has_clean = [example.clean is not None or example.sources is not None for example in examples]
    targets = [example.targets for example in examples]
    with_units = targets[0] is not None
    target_lengths = [len(units) for units in targets] if with_units else []
    return Batch(
        ids=[example.id for example in examples],
        waves=pad([example.wave for example in examples], longest, torch.float32),
        lengths=torch.tensor(lengths),
        clean=pad(clean, longest, torch.float32) if any(wave is not None for wave in clean) else None,
        has_clean=torch.tensor(has_clean),
        targets=pad(targets, max(target_lengths), torch.int64) if with_units else None,
        target_lengths=torch.tensor(target_lengths) if with_units else None,
        labels={name: torch.tensor([example.labels[name] for example in examples]) for name in examples[0].labels},
        sources=pad_sources(sources, longest),
        frames={name: pad_frames([example.frames[name] for example in examples]) for name in examples[0].frames},
    )
