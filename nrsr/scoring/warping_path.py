"""Dynamic time warping of two sequences of frames."""

import numpy as np


def mean_on_path(distances: np.ndarray) -> float:
    """Mean distance of the pairs of frames on the path of the least sum, from the first pair to the last.

    Steps go one frame on in one sequence or in both, at the same cost (Sakoe & Chiba, IEEE TASSP 1978, without slope
    constraint); of equal ones that in both is taken. Cells of one diagonal are computed together.

    Args:
        distances: [N, M] between the frames of both sequences.
    """
    rows, columns = distances.shape
    flipped = distances[:, ::-1]
    # Sums and numbers of pairs up to each cell of the last two diagonals, by row, with an infinite one before row 0.
    sums = [np.full(rows + 1, np.inf), np.full(rows + 1, np.inf)]
    counts = [np.zeros(rows + 1), np.zeros(rows + 1)]
    for diagonal in range(rows + columns - 1):
        first, last = max(0, diagonal - columns + 1), min(diagonal, rows - 1)
        cells = np.arange(first, last + 1)
        both = (sums[0][cells], counts[0][cells])
        down = (sums[1][cells], counts[1][cells])
        across = (sums[1][cells + 1], counts[1][cells + 1])
        least, pairs = both
        for total, number in (down, across):
            better = total < least
            least, pairs = np.where(better, total, least), np.where(better, number, pairs)
        if diagonal == 0:
            least = np.zeros(1)
        new_sums, new_counts = np.full(rows + 1, np.inf), np.zeros(rows + 1)
        new_sums[cells + 1] = least + flipped.diagonal(columns - 1 - diagonal)
        new_counts[cells + 1] = pairs + 1
        sums, counts = [sums[1], new_sums], [counts[1], new_counts]
    return float(sums[1][rows] / counts[1][rows])
