"""A block of utterances in memory, from which batches of frames with context are cut by index."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from nrsr.data.alignments import Alignments
from nrsr.data.features import FeaturesError, StoredFeatures, padded_rows
from nrsr.data.frame_plan import shuffled_items

IGNORED = -100  # the senone of frames behind an utterance's end
Key = tuple[int, int, int]  # seed, epoch and number of a block


@dataclass(frozen=True)
class Block:
    """Concatenated utterances, and the chunks of frames in them.

    Attributes:
        inputs: float32 [R, D], with edge frames repeated before and behind each utterance.
        targets: senones, int64 [R], `IGNORED` for repeated frames.
        starts: the row with which the window of each chunk begins, int64 [items].
        utterances: the number of each chunk's utterance, int64 [items].
        order: chunks in the order of the batches, int64 [groups, most].
        shape: frames before, in and behind a chunk.
    """

    inputs: np.ndarray
    targets: np.ndarray
    starts: np.ndarray
    utterances: np.ndarray
    order: np.ndarray
    shape: tuple[int, int, int]

    def batch(self, part: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs [B, left + chunk + right, D], targets [B, chunk], utterance numbers [B] of one of `parts` batches."""
        left, chunk, _ = self.shape
        window, most = sum(self.shape), self.order.shape[1]
        items = self.order[:, part * most // parts : (part + 1) * most // parts].ravel()
        starts = self.starts[items]
        # A window is one piece of memory, since rows follow each other: a view that overlaps itself, no index per row.
        windows = np.lib.stride_tricks.as_strided(
            self.inputs,
            (len(self.inputs) - window + 1, window * self.inputs.shape[1]),
            self.inputs.strides,
            writeable=False,
        )
        inputs = windows[starts].reshape(len(items), window, -1)
        targets = np.lib.stride_tricks.sliding_window_view(self.targets, chunk)[starts + left]
        return inputs, targets, self.utterances[items]


def read_block(
    features: StoredFeatures,
    alignments: Alignments,
    groups: Sequence[Sequence[str]],
    numbers: np.ndarray,
    frames: np.ndarray,
    shape: tuple[int, int, int],
    order: Sequence[int] | None,
) -> Block:
    """Read the utterances of a block.

    Args:
        groups: their ids, by group.
        numbers: their numbers in the data set, int [U], groups one behind the other.
        frames: frames of each, as the lists have them.
        shape: frames before, in and behind a chunk.
        order: seed of the shuffling, or None.

    Raises:
        FeaturesError: features of another length than the lists say.
    """
    left, chunk, right = shape
    names = [name for group in groups for name in group]
    parts = [features.normalised(name) for name in names]
    for name, part, count in zip(names, parts, frames.tolist(), strict=True):
        if len(part) != count:
            raise FeaturesError(
                f"{features.path}: {name}: utt2num_frames says {count}, the features have {len(part)} frames; "
                "remove utt2num_frames if the features are right"
            )
    rows, centres = padded_rows(frames, left, right + chunk - 1)
    targets = np.full(len(rows), IGNORED, dtype=np.int64)
    targets[centres] = np.concatenate([alignments[name] for name in names])
    padded, sizes = frames + left + right + chunk - 1, -(-frames // chunk)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    ends = np.cumsum([len(group) for group in groups])
    return Block(
        inputs=np.take(features.with_deltas(np.concatenate(parts), frames), rows, axis=0),
        targets=targets,
        starts=np.repeat(np.cumsum(padded) - padded, sizes) + chunk * within,
        utterances=np.repeat(numbers, sizes),
        order=shuffled_items([int(part.sum()) for part in np.split(sizes, ends[:-1])], order),
        shape=shape,
    )


class ReadAhead:
    """One block that a thread reads while the one before it is trained on."""

    def __init__(self) -> None:
        self._key: Key | None = None
        self._coming: Future | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._process = os.getpid()

    def __reduce__(self) -> tuple:
        return ReadAhead, ()

    def start(self, key: Key, read: Callable[[Key], Block]) -> None:
        """Begin to read a block."""
        if self._reader is None or self._process != os.getpid():  # a thread does not come along into a forked process
            self._reader, self._process = ThreadPoolExecutor(1, "frames"), os.getpid()
        self._key, self._coming = key, self._reader.submit(read, key)

    def take(self, key: Key, read: Callable[[Key], Block]) -> Block:
        """The block, read here and now where it was not begun."""
        coming = self._coming if self._key == key and self._process == os.getpid() else None
        self._key = self._coming = None
        return read(key) if coming is None else coming.result()
