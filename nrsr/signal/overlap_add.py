"""Overlapping blocks of a waveform, and the sum that joins them again, in numpy."""

import numpy as np


def blocks(wave: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Blocks [N, size] that begin at each multiple of `hop`, as many as lie wholly in a wave [T]; a view."""
    return np.lib.stride_tricks.sliding_window_view(wave, size)[::hop]


def overlap_add(rows: np.ndarray, hop: int) -> np.ndarray:
    """Sum [(N - 1) hop + size] of blocks [N, size] that begin `hop` apart; `size` is a multiple of `hop`."""
    count, size = rows.shape
    parts = size // hop
    whole = np.zeros((count + parts - 1, hop), rows.dtype)
    for part in range(parts):
        whole[part : part + count] += rows[:, part * hop : (part + 1) * hop]
    return whole.ravel()
