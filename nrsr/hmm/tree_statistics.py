"""Statistics for tree building: count, sums and squares of the frames of each phone in context and pdf class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nrsr.hmm.alignments import pdf_classes, phone_contexts
from nrsr.hmm.transitions import Transitions

WIDTH, CENTRAL = 3, 1  # triphones
UNKNOWN = -1  # neighbours of phones whose context does not count, such as silence
BLOCK = 1 << 16  # frames summed at once, so that memory stays bounded
VARIANCE_FLOOR = 0.01  # Kaldi's, of single Gaussians that trees are grown with


@dataclass(frozen=True)
class TreeStatistics:
    """One row for each event that was seen.

    Attributes:
        contexts: int32 [E, 3], left phone, phone, right phone; 0 beyond the utterance, UNKNOWN where it does not count.
        classes: int32 [E], pdf classes.
        sums: float64 [E, 1 + 2 D], count, sums of the frames, sums of their squares.
    """

    contexts: np.ndarray
    classes: np.ndarray
    sums: np.ndarray

    @property
    def dim(self) -> int:
        """Dimension of the features."""
        return (self.sums.shape[1] - 1) // 2

    def rows_of(self, phones: Sequence[int]) -> np.ndarray:
        """Numbers of the events of some phones."""
        return np.flatnonzero(np.isin(self.contexts[:, CENTRAL], phones))


def accumulate_tree(
    transitions: Transitions, features: np.ndarray, ids: np.ndarray, utterances: np.ndarray, without_context: np.ndarray
) -> TreeStatistics:
    """Statistics of aligned frames.

    Args:
        features: [N, D] of utterances one behind the other.
        ids: their transition-ids [N].
        utterances: [N], number of the utterance of each frame.
        without_context: phones whose neighbours do not count.
    """
    contexts, segments = phone_contexts(transitions, ids, utterances, WIDTH, CENTRAL)
    alone = np.isin(contexts[:, CENTRAL], without_context)
    contexts[np.ix_(alone, [place for place in range(WIDTH) if place != CENTRAL])] = UNKNOWN
    keys = np.column_stack([contexts[segments], pdf_classes(transitions, ids)])
    parts = [grouped(keys[:0], np.zeros((0, 1 + 2 * features.shape[1])))]
    for begin in range(0, len(ids), BLOCK):
        wide = features[begin : begin + BLOCK].astype(np.float64)
        sums = np.concatenate([np.ones((len(wide), 1)), wide, wide * wide], axis=1)
        parts.append(grouped(keys[begin : begin + BLOCK], sums))
    return joined(parts)


def joined(parts: Sequence[TreeStatistics]) -> TreeStatistics:
    """Statistics of several shares together."""
    keys = np.concatenate([np.column_stack([part.contexts, part.classes]) for part in parts])
    return grouped(keys, np.concatenate([part.sums for part in parts]))


def grouped(keys: np.ndarray, sums: np.ndarray) -> TreeStatistics:
    """Add up rows of equal keys [N, 4]."""
    if not len(keys):
        return TreeStatistics(keys[:, :WIDTH].astype(np.int32), keys[:, WIDTH].astype(np.int32), sums)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]))
    keys = keys[starts].astype(np.int32)
    return TreeStatistics(keys[:, :WIDTH], keys[:, WIDTH], np.add.reduceat(sums[order], starts, axis=0))


def log_likelihood(sums: np.ndarray) -> np.ndarray:
    """Log likelihood of frames under their own Gaussian, from sums [..., 1 + 2 D]: [...]; 0 for no frames.

    Kaldi's GaussClusterable::Objf: variances are floored, which costs less than it would by the formula.
    """
    dim = (sums.shape[-1] - 1) // 2
    count = np.maximum(sums[..., :1], 1e-10)
    variance = sums[..., 1 + dim :] / count - (sums[..., 1 : 1 + dim] / count) ** 2
    floored = np.maximum(variance, VARIANCE_FLOOR)
    return -0.5 * sums[..., 0] * (np.log(2.0 * np.pi * floored) + variance / floored).sum(axis=-1)
