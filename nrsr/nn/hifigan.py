"""Generator of HiFi-GAN (Kong, Kim, Bae, NeurIPS 2020; arXiv 2010.05646), versions 1 to 3."""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.time_convolutions import TimeConv, TimeUpsampling, to_time
from nrsr.nn.wave_generator import WaveGenerator, upsampling_reach
from nrsr.nn.weight_norm import add_weight_norm

SLOPE = 0.1
LAST_SLOPE = 0.01  # before the last convolution, in the authors' code


class HiFiBlock(nn.Module):
    """Residual dilated convolutions, each followed by an undilated one (versions 1 and 2) or alone (version 3)."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], double: bool) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            TimeConv(channels, channels, kernel, dilation=step, padding=(kernel - 1) // 2 * step) for step in dilations
        )
        self.plain = nn.ModuleList(
            TimeConv(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in (dilations if double else ())
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, 1, T] to the same; each pair of convolutions adds to its input."""
        for place, dilated in enumerate(self.dilated):
            hidden = dilated(F.leaky_relu(inputs, SLOPE))
            if self.plain:
                hidden = self.plain[place](F.leaky_relu(hidden, SLOPE))
            inputs = inputs + hidden
        return inputs


class HiFiGanGenerator(WaveGenerator):
    """Log-mel features to a waveform; behind each upsampling, the mean of blocks of several kernel sizes.

    The defaults are version 1 (13,926,017 parameters without weight norm). Version 2 has 128 channels (925,985);
    version 3 has 256 channels, scales 8, 8, 4, upsampling kernels 16, 16, 8, kernels 3, 5, 7, dilations (1, 2), (2, 6),
    (3, 12) and `double` false (1,462,273).

    Args:
        mels: bands.
        channels: of the first layer; each scale halves them.
        scales, upsampling_kernels: of the transposed convolutions; no kernel may be shorter than its scale.
        kernels, dilations: of the residual blocks, as many of one as of the other; kernels are odd.
        double: whether each dilated convolution is followed by an undilated one.

    Raises:
        ConfigError: sizes that do not fit each other.
    """

    def __init__(
        self,
        mels: int = 80,
        channels: int = 512,
        scales: Sequence[int] = (8, 8, 2, 2),
        upsampling_kernels: Sequence[int] = (16, 16, 4, 4),
        kernels: Sequence[int] = (3, 7, 11),
        dilations: Sequence[Sequence[int]] = ((1, 3, 5), (1, 3, 5), (1, 3, 5)),
        double: bool = True,
    ) -> None:
        super().__init__()
        pairs = list(zip(scales, upsampling_kernels, strict=False))
        if len(scales) != len(upsampling_kernels) or any(kernel < scale for scale, kernel in pairs):
            raise ConfigError(
                f"system: upsampling_kernels {list(upsampling_kernels)} must be one for each of scales {list(scales)}, "
                "and none smaller"
            )
        if channels < 1 or channels % (1 << len(scales)):
            raise ConfigError(f"system: channels {channels} must be a multiple of {1 << len(scales)} (2 to the scales)")
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ConfigError(f"system: kernels {list(kernels)} must be odd numbers")
        if len(kernels) != len(dilations):
            raise ConfigError(f"system: {len(kernels)} kernels but {len(dilations)} lists of dilations")
        self.hop = math.prod(scales)
        within = max(
            (size - 1) // 2 * sum(step + double for step in steps)
            for size, steps in zip(kernels, dilations, strict=True)
        )
        self.reach = upsampling_reach(scales, upsampling_kernels, within, first=3, last=3)
        self.first = TimeConv(mels, channels, 7, padding=3)
        self.upsamplers, self.stages = nn.ModuleList(), nn.ModuleList()
        for scale, kernel in pairs:
            odd = (kernel - scale) % 2
            self.upsamplers.append(
                TimeUpsampling(channels, channels // 2, kernel, scale, (kernel - scale) // 2 + odd, odd)
            )
            channels //= 2
            self.stages.append(
                nn.ModuleList(
                    HiFiBlock(channels, size, steps, double) for size, steps in zip(kernels, dilations, strict=True)
                )
            )
        self.last = TimeConv(channels, 1, 7, padding=3)
        add_weight_norm(self)

    def forward(self, features: Tensor, noise: Tensor | None = None) -> Tensor:
        """Features [B, mels, N] to waveforms [B, N prod(scales)] in (-1, 1)."""
        hidden = self.first(to_time(features))
        for upsampler, blocks in zip(self.upsamplers, self.stages, strict=True):
            hidden = upsampler(F.leaky_relu(hidden, SLOPE))
            hidden = sum(block(hidden) for block in blocks) / len(blocks)
        return self.last(F.leaky_relu(hidden, LAST_SLOPE))[:, 0, 0].tanh()
