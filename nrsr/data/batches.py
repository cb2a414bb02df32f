"""Which utterances make which batch: alike in length, under a hard cap of padded audio, shuffled by seed and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nrsr.errors import NrsrError

# Utterances whose lengths differ by less than this factor count as alike and are shuffled among each other.
BUCKET_WIDTH = 1.1


class BatchError(NrsrError):
    """Utterances that fit no batch."""


@dataclass(frozen=True)
class BatchSettings:
    """The config's `batches`.

    Attributes:
        size: at most this many utterances in a batch.
        max_seconds: at most this much audio in a batch, padding included.
        shortest, longest: utterances outside are left out, counted and listed (seconds).
        workers: processes that read ahead; 0 reads between the steps. Null takes 2 for a GPU, which outruns one
            reader, and 1 for frames, of which each would read all; on a CPU, where they take turns with the training,
            1 for data that are augmented and else 0.
    """

    size: int = 16
    max_seconds: float = 240.0
    shortest: float = 0.1
    longest: float = float("inf")
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.size < 1 or self.max_seconds <= 0 or (self.workers or 0) < 0 or self.shortest > self.longest:
            raise BatchError("batches: needs size >= 1, max_seconds > 0, workers >= 0 and shortest <= longest")


def check_cap(ids: Sequence[str], samples: np.ndarray, cap: int, rate: int) -> None:
    """Raise BatchError, naming the longest utterance, when it is over the cap all alone."""
    if len(samples) and samples.max() > cap:
        longest = int(samples.argmax())
        raise BatchError(
            f"utterance {ids[longest]}: its {samples[longest] / rate:.1f} s are over batches.max_seconds "
            f"({cap / rate:g}); raise that, or set batches.longest to leave such utterances out"
        )


def shuffled_batches(samples: np.ndarray, size: int, cap: int, seed: int, epoch: int) -> list[list[int]]:
    """The batches of one training epoch, each a list of utterance numbers.

    Args:
        samples: length of each utterance, int [N], none over `cap`.
        size: most utterances in a batch.
        cap: most samples in a batch, padding included: count times longest.

    The same lengths, seed and epoch give the same batches in the same order, whatever is trained.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(samples))
    buckets = np.floor(np.log(np.maximum(samples, 1)) / np.log(BUCKET_WIDTH))
    batches = _cut(order[np.argsort(buckets[order], kind="stable")], samples, size, cap)
    return [batches[number] for number in rng.permutation(len(batches))]


def batch_counts(samples: np.ndarray, size: int, cap: int, seed: int, epochs: int) -> list[int]:
    """How many batches `shuffled_batches` makes in each of the first epochs; they differ where lengths do."""
    if len(samples) and samples.min() == samples.max() > 0:
        return [-(-len(samples) // min(size, cap // int(samples[0])))] * epochs
    return [len(shuffled_batches(samples, size, cap, seed, epoch)) for epoch in range(epochs)]


def sorted_batches(samples: np.ndarray, size: int, cap: int) -> list[list[int]]:
    """Batches in order of length, the longest first (so that memory runs out at once, if ever).

    Utterances of one length are in random order, the same each time: a batch of them is a sample of the data.
    """
    order = np.random.default_rng(0).permutation(len(samples))
    return _cut(order[np.argsort(-np.asarray(samples)[order], kind="stable")], samples, size, cap)


def _cut(order: np.ndarray, samples: np.ndarray, size: int, cap: int) -> list[list[int]]:
    """Fill one batch after the other, in this order."""
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for number, length in zip(order.tolist(), np.asarray(samples)[order].tolist(), strict=True):
        longest = max(longest, length)
        if current and (len(current) == size or (len(current) + 1) * longest > cap):
            batches.append(current)
            current, longest = [], length
        current.append(number)
    return [*batches, current] if current else batches
