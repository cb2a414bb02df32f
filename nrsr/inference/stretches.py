"""Where a long recording is cut for a search whose cost or memory grows with its length: in its pauses."""

import numpy as np


def stretches(log_probs: np.ndarray, longest: int) -> list[tuple[int, int]]:
    """First frame and last + 1 of each part of CTC log-probabilities [M, V], of at most `longest` frames (2 or more).

    A part ends in the middle of the longest pause (frames whose best unit is the blank, 0) of its second half; without
    one there, at the last frame of a pause in its first half; without any, at the frame with the most probable blank.
    """
    pause = log_probs.argmax(axis=1) == 0
    parts, first = [], 0
    while len(log_probs) - first > longest:
        low, high = first + max(longest // 2, 1), first + longest
        if pause[low:high].any():
            last = low + _middle_of_longest(pause[low:high])
        elif pause[first + 1 : low].any():
            last = first + 1 + int(np.flatnonzero(pause[first + 1 : low])[-1])
        else:
            last = low + int(log_probs[low:high, 0].argmax())
        parts.append((first, last))
        first = last
    return [*parts, (first, len(log_probs))]


def _middle_of_longest(flags: np.ndarray) -> int:
    """The place in the middle of the longest run of True in bool [N], which has one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    run = int((ends - begins).argmax())
    return int(begins[run] + ends[run]) // 2
