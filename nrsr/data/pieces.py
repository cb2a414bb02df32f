"""Cuts long recordings into overlapping pieces, so that a network needs no more memory than for one piece."""

import math
from dataclasses import dataclass

from nrsr.errors import NrsrError


class PiecesError(NrsrError):
    """Pieces that cannot cover a recording."""


@dataclass(frozen=True)
class Pieces:
    """Lengths of the pieces of long inputs.

    Attributes:
        seconds: of a piece; an input up to so long is processed whole.
        overlap: of two neighbouring pieces, in seconds.
    """

    seconds: float = 60.0
    overlap: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 < self.overlap <= self.seconds / 2 < math.inf:
            raise PiecesError(
                f"--piece {self.seconds:g} --overlap {self.overlap:g}: the overlap must be above 0 s and at most half "
                "of a piece"
            )

    def rows(self, rate: float) -> tuple[int, int]:
        """Rows of a piece and of an overlap, for inputs with `rate` rows a second."""
        size = max(2, round(self.seconds * rate))
        return size, min(max(1, round(self.overlap * rate)), size // 2)


def piece_starts(rows: int, size: int, overlap: int, step: int = 1) -> list[int]:
    """Where the pieces of an input begin, at multiples of `step`.

    Each piece has `size` rows, the last one perhaps up to `step` - 1 fewer; `overlap` rows or more are in two of them.
    """
    if rows <= size:
        return [0]
    ahead = max(step, (size - overlap) // step * step)
    last = -(-(rows - size) // step) * step
    return [*range(0, last, ahead), last]
