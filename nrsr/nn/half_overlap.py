"""Half-overlapping windows of a sequence, and the overlap-add that brings them together again."""

import torch
from torch import Tensor
from torch.nn import functional as F


def half_overlapping(sequences: Tensor, count: int, size: int) -> Tensor:
    """Cut [B, N, C] into [B, count, size, C]: window s begins at position s * size / 2.

    Args:
        count: of windows; zeros are appended where the sequence ends early, and the rest is cut where it is longer.
        size: of a window, an even number.
    """
    hop = size // 2
    needed = (count + 1) * hop
    padded = F.pad(sequences[:, :needed], (0, 0, 0, max(needed - sequences.shape[1], 0)))
    halves = padded.unflatten(1, (count + 1, hop))
    return torch.cat([halves[:, :-1], halves[:, 1:]], dim=2)


def overlap_add(windows: Tensor) -> Tensor:
    """Sum of half-overlapping windows [B, S, K, C] at their places, [B, (S + 1) K / 2, C]."""
    first, second = windows.chunk(2, dim=2)
    return torch.cat([first[:, :1], first[:, 1:] + second[:, :-1], second[:, -1:]], dim=1).flatten(1, 2)
