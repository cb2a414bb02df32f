"""Which frames make which batch: blocks of utterances in random order, and their frames shuffled in each block."""

from collections.abc import Sequence

import numpy as np


def epoch_blocks(
    sizes: np.ndarray, groups: Sequence[np.ndarray], block_size: int, seed: int, epoch: int
) -> list[list[np.ndarray]]:
    """The blocks of a training epoch, in order; each is one array of utterance numbers for each group.

    Args:
        sizes: items (frames, or chunks of them) of each utterance, int [U], none of them 0.
        groups: utterance numbers that have equal shares of each block: all of them in one group, or one group for
            each class that is to be balanced. The group with the most items is seen once in an epoch; the others are
            gone through again, in a new order, until they have as many.
        block_size: about how many items are in a block.

    The same arguments give the same blocks.
    """
    rng = np.random.default_rng([seed, epoch + 1])
    largest = max(int(sizes[group].sum()) for group in groups)
    longest = max(int(sizes[group].max()) for group in groups)
    # No block is shorter than the longest utterance, so that every group has a part in each.
    count = max(1, min(round(largest * len(groups) / block_size), largest // longest))
    blocks: list[list[np.ndarray]] = [[] for _ in range(count)]
    for group in groups:
        drawn = _drawn(sizes, group, largest, rng)
        starts = np.cumsum(sizes[drawn]) - sizes[drawn]
        for block, part in enumerate(np.split(drawn, np.searchsorted(starts * count, largest * np.arange(1, count)))):
            blocks[block].append(part)
    return blocks


def _drawn(sizes: np.ndarray, group: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Permutations of a group, one behind the other, until they have `wanted` items."""
    order = rng.permutation(group)
    passes = [order]
    for _ in range(-(-wanted // int(sizes[group].sum())) - 1):
        passes.append(rng.permutation(group))
    drawn = np.concatenate(passes)
    ends = np.cumsum(sizes[drawn])
    return drawn[: np.searchsorted(ends, wanted) + 1]


def ordered_blocks(sizes: np.ndarray, block_size: int) -> list[list[np.ndarray]]:
    """All utterances in their order, in blocks of one group."""
    starts = np.cumsum(sizes) - sizes
    places = np.flatnonzero(np.diff(starts // block_size)) + 1
    return [[part] for part in np.split(np.arange(len(sizes)), places)]


def batch_count(counts: Sequence[int], size: int) -> int:
    """Batches of a block whose groups have so many items: on average at most `size` items are in a batch.

    A batch has as many items of each group, so that with several groups one may have more (9 of three groups of 10,
    for a size of 8).
    """
    return -(-max(counts) * len(counts) // size)


def shuffled_items(counts: Sequence[int], order: Sequence[int] | None) -> np.ndarray:
    """The items of a block in the order of its batches, int [groups, most], of which each batch takes some columns.

    Args:
        counts: items of each group; in the block the groups are concatenated.
        order: seed of the shuffling, None for the items in order. The smaller groups of a block, which lack
            parts of an utterance, are filled up with items of their own.
    """
    rows, start = [], 0
    for group, count in enumerate(counts):
        places = np.arange(count) if order is None else np.random.default_rng([*order, group + 1]).permutation(count)
        rows.append(start + np.resize(places, max(counts)))
        start += count
    return np.stack(rows)
