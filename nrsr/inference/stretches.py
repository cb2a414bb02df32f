"""Where a long recording is cut for a search whose cost or memory grows with its length: in its pauses."""

import numpy as np


def stretches(log_probs: np.ndarray, longest: int) -> list[tuple[int, int]]:
    """First frame and last + 1 of each part of CTC log-probabilities [M, V], of at most `longest` frames (2 or more).

    A part ends in the middle of the longest pause (frames whose best unit is the blank, 0) of its second half or, where
    there is none, at the frame that is surest of the blank.
    """
    pause = log_probs.argmax(axis=1) == 0
    parts, first = [], 0
    while len(log_probs) - first > longest:
        low, high = first + longest // 2, first + longest
        last = low + _middle_of_longest(pause[low:high])
        if not pause[last]:
            last = low + int(log_probs[low:high, 0].argmax())
        parts.append((first, max(last, first + 1)))
        first = parts[-1][1]
    return [*parts, (first, len(log_probs))]


def _middle_of_longest(flags: np.ndarray) -> int:
    """The place in the middle of the longest run of True in bool [N]; 0 where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return 0
    run = int((ends - begins).argmax())
    return int(begins[run] + ends[run]) // 2
