"""Separating a recording of any length: in pieces that overlap, with the speakers kept in order between them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from nrsr.inference.recogniser import DecodingError
from nrsr.nn.pit import best_permutation
from nrsr.systems import Separation


@dataclass(frozen=True)
class Pieces:
    """How a long recording is cut.

    Attributes:
        seconds: of a piece; a recording up to so long is separated whole.
        overlap: of two neighbouring pieces, in seconds. The speakers of a piece are put in the order of the piece
            before by what they say there, so somebody should speak in it.
    """

    seconds: float = 30.0
    overlap: float = 5.0

    def __post_init__(self) -> None:
        if not 0.0 < self.overlap <= self.seconds / 2 < math.inf:
            raise DecodingError(
                f"--piece {self.seconds:g} --overlap {self.overlap:g}: the overlap must be above 0 s and at most half "
                "of a piece"
            )


class Separator:
    """Separates single recordings; the memory that the network takes is that of one piece.

    Args:
        device: where the network runs.

    Raises:
        DecodingError: there is no GPU.
    """

    def __init__(self, system: Separation, pieces: Pieces, device: str = "cpu"):
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            raise DecodingError("--device cuda: torch sees no GPU; leave the option out, or see nrsr doctor")
        self._system, self._device = system.to(device).eval(), device
        self._size = max(2, round(pieces.seconds * system.sample_rate))
        self._overlap = min(max(1, round(pieces.overlap * system.sample_rate)), self._size // 2)

    @torch.inference_mode()
    def __call__(self, wave: Tensor) -> Tensor:
        """A mixture [T] to its speakers [K, T], at the level at which they add up best to the mixture."""
        starts = piece_starts(len(wave), self._size, self._overlap)
        pieces = (self._separate(wave[start : start + self._size]) for start in starts)
        return levelled(joined(pieces, starts, len(wave)), wave)

    def _separate(self, piece: Tensor) -> Tensor:
        lengths = torch.tensor([len(piece)], device=self._device)
        return self._system.separate(piece[None].to(self._device), lengths)[0].cpu()


def piece_starts(samples: int, size: int, overlap: int) -> list[int]:
    """Where the pieces of a recording begin: `overlap` samples or, at the end, more are in two of them."""
    return [*range(0, samples - size, size - overlap), max(samples - size, 0)]


def joined(pieces: Iterable[Tensor], starts: list[int], samples: int) -> Tensor:
    """Pieces [K, size] that begin at `starts` as one recording [K, samples]: speakers aligned, overlaps faded over."""
    whole, end = torch.empty(0), 0
    for piece, start in zip(pieces, starts, strict=True):
        if not end:
            whole = piece.new_zeros(len(piece), samples)
        else:
            piece = piece[speaker_order(whole[:, start:end], piece[:, : end - start])]
        shared = end - start
        fade = (torch.arange(shared) + 0.5) / max(shared, 1)
        whole[:, start:end].lerp_(piece[:, :shared], fade)
        whole[:, end : start + piece.shape[1]] = piece[:, shared:]
        end = start + piece.shape[1]
    return whole


def speaker_order(before: Tensor, piece: Tensor) -> Tensor:
    """Which speaker of the next piece is each of the piece before, int64 [K], from the overlap [K, T] of both.

    By correlation, whatever the levels; where nothing is heard the order stays.
    """
    before, piece = (signals / (signals.norm(dim=1, keepdim=True) + 1e-12) for signals in (before, piece))
    stay = 1e-6 * torch.eye(len(piece))
    return best_permutation((before @ piece.t() + stay)[None])[0]


def levelled(separated: Tensor, mixture: Tensor) -> Tensor:
    """Speakers [K, T] times a factor each, such that their sum is as near to the mixture [T] as can be.

    The training leaves level and sign open, and this sets both. Least squares, with a very small weight on small
    factors, so that speakers who are alike, or silent, get no wild ones.
    """
    separated = separated / (separated.norm(dim=1, keepdim=True) + 1e-12)
    products = (separated @ separated.t()).double() + 1e-6 * torch.eye(len(separated))
    factors = torch.linalg.solve(products, (separated @ mixture).double())
    return factors.float().unsqueeze(1) * separated
