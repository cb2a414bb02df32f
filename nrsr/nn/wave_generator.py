"""What the generators of vocoders have in common: features of frames to waveforms."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class WaveGenerator(nn.Module, ABC):
    """Features to a waveform, `hop` samples a frame.

    Attributes:
        hop: samples that a frame becomes.
        context: frames on either side of those that become samples, which the network is given as well.
        reach: no sample depends on features that are further from its frame than so many frames.
        takes_noise: whether it generates the waveform from noise.
    """

    hop: int
    reach: int
    context: int = 0
    takes_noise: bool = False

    @abstractmethod
    def forward(self, features: Tensor, noise: Tensor | None = None) -> Tensor:
        """Features [B, bands, N + 2 context] to waveforms [B, N hop].

        Args:
            noise: Gaussian [B, N hop], for a network that takes some; drawn here where it is not given.
        """


def upsampling_reach(scales: Sequence[int], kernels: Sequence[int], within: int, first: int, last: int) -> int:
    """`WaveGenerator.reach` of transposed convolutions with blocks of convolutions behind each.

    Args:
        scales, kernels: strides and lengths of the transposed convolutions, padded by half of what they differ by.
        within: steps that the blocks behind each of them reach to either side.
        first, last: the same of the convolutions before and behind all.
    """
    begin, end = -last, math.prod(scales) - 1 + last  # what the samples of frame 0 depend on
    for scale, kernel in zip(reversed(scales), reversed(kernels), strict=True):
        padding = -(-(kernel - scale) // 2)
        begin = -(-(begin - within + padding - kernel + 1) // scale)
        end = (end + within + padding) // scale
    return max(first - begin, end + first)
