"""Going through the waveforms of a data directory in padded batches."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

CHUNK = 64  # utterances among which lengths are matched
BATCH_SECONDS = 10.0  # of padded audio: less is mostly the cost of calls, more is no faster

KEPT_BYTES = 30 << 20  # glibc heeds blocks of up to 32 MiB


def chunks(utterances: Sequence[str]) -> list[list[str]]:
    """Utterances in runs of up to 64, in their order."""
    return [list(utterances[start : start + CHUNK]) for start in range(0, len(utterances), CHUNK)]


def padded_batches(
    waves: Mapping[str, np.ndarray], utterances: Sequence[str], rate: int
) -> Iterator[tuple[list[str], Tensor, Tensor]]:
    """Read some utterances, and yield ids, waves [B, T] and lengths [B], longest first.

    A batch holds up to 10 seconds with its padding, or one utterance.
    """
    keep_freed_memory()
    read = {name: torch.from_numpy(np.ascontiguousarray(waves[name])) for name in utterances}
    left = sorted(read, key=lambda name: -len(read[name]))
    while left:
        size = max(1, int(BATCH_SECONDS * rate) // max(1, len(read[left[0]])))
        batch, left = left[:size], left[size:]
        lengths = torch.tensor([len(read[name]) for name in batch])
        yield batch, pad_sequence([read[name] for name in batch], batch_first=True), lengths


def keep_freed_memory() -> None:
    """Let the C library keep what a batch frees for the next batch, where it is glibc.

    It gives freed memory back to the system past twice the largest block that it saw freed, 256 KiB at first; the next
    batch then pays for every page anew, which costs more than the features themselves.
    """
    torch.empty(KEPT_BYTES, dtype=torch.uint8)
