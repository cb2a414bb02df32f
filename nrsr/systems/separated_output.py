"""Separated speakers of a recording of any length: in one order throughout, at levels that add up to the mixture."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nrsr.data.outputs import WaveOutput, faded
from nrsr.nn.pit import best_permutation

# Lists of a data directory of mixtures that are valid for the separated speakers as well.
LISTS = ("utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2noisefile", "utt2snr")


class SeparatedOutput(WaveOutput):
    """The speakers [K, T] of mixtures [T], in the order in which the network gives them in the first piece."""

    def __init__(self, rate: int, speakers: int):
        super().__init__(rate, speakers, lists=LISTS)

    def join(self, parts: Sequence[np.ndarray], starts: Sequence[int], source: np.ndarray) -> np.ndarray:
        ordered = in_one_order([torch.as_tensor(part) for part in parts], starts)
        whole = faded([part.numpy() for part in ordered], starts, len(source))
        return levelled(torch.from_numpy(whole), torch.from_numpy(source)).numpy()


def in_one_order(parts: Sequence[Tensor], starts: Sequence[int]) -> list[Tensor]:
    """Pieces [K, size] that begin at `starts`, the speakers of each in the order of the piece before."""
    ordered = [parts[0]]
    for part, before, start in zip(parts[1:], starts[:-1], starts[1:], strict=True):
        shared = before + ordered[-1].shape[1] - start
        ordered.append(part[speaker_order(ordered[-1][:, -shared:], part[:, :shared])])
    return ordered


def speaker_order(before: Tensor, piece: Tensor) -> Tensor:
    """The speaker of the next piece that continues each of the piece before, int64 [K], by their overlap [K, T].

    The order with the least squared difference, which is that with the largest sum of inner products: the loud decide,
    and a faint leak of one speaker into another's channel, which would affect a correlation, does not count. Where
    nothing is active the order stays.
    """
    energy = before.norm() * piece.norm() + 1e-20
    return best_permutation((before @ piece.t() / energy + 1e-6 * torch.eye(len(piece)))[None])[0]


def levelled(separated: Tensor, mixture: Tensor) -> Tensor:
    """Speakers [K, T] times a factor each, such that their sum is as near to the mixture [T] as can be.

    The training leaves level and sign open, and this sets both. Least squares, with a very small weight on small
    factors, so that speakers who are alike, or silent, get no wild ones.
    """
    separated = separated / (separated.norm(dim=1, keepdim=True) + 1e-12)
    products = (separated @ separated.t()).double() + 1e-6 * torch.eye(len(separated))
    factors = torch.linalg.solve(products, (separated @ mixture).double())
    return factors.float().unsqueeze(1) * separated
