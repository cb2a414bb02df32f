"""Generator and discriminators of MelGAN (Kumar et al., NeurIPS 2019; arXiv 1910.06711)."""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.time_convolutions import TimeConv, TimeUpsampling, to_time
from nrsr.nn.wave_discriminator import WaveDiscriminator
from nrsr.nn.wave_generator import WaveGenerator, upsampling_reach
from nrsr.nn.weight_norm import add_weight_norm

SLOPE = 0.2


class MelGanBlock(nn.Module):
    """LeakyReLU, a dilated convolution of 3, LeakyReLU, a 1 x 1 convolution, beside a 1 x 1 shortcut."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = TimeConv(channels, channels, 3, dilation=dilation, padding=dilation, padding_mode="reflect")
        self.pointwise = TimeConv(channels, channels, 1)
        self.shortcut = TimeConv(channels, channels, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, 1, T] to the same."""
        hidden = self.dilated(F.leaky_relu(inputs, SLOPE))
        outputs = self.shortcut(inputs)
        outputs += self.pointwise(F.leaky_relu_(hidden, SLOPE))
        return outputs


class MelGanGenerator(WaveGenerator):
    """Log-mel features to a waveform; a frame becomes as many samples as the product of `scales`.

    Args:
        mels: bands.
        channels: of the first layer; each scale halves them.
        scales: by which each transposed convolution multiplies the length.
        stacks: residual blocks behind each of them, with dilations 1, 3, 9, ...

    Raises:
        ConfigError: sizes that do not fit each other.
    """

    def __init__(
        self,
        mels: int = 80,
        channels: int = 512,
        scales: Sequence[int] = (8, 8, 2, 2),
        stacks: int = 3,
    ) -> None:
        super().__init__()
        if channels < 1 or channels % (1 << len(scales)):
            raise ConfigError(f"system: channels {channels} must be a multiple of {1 << len(scales)} (2 to the scales)")
        self.hop = math.prod(scales)
        # Fewer frames cannot be mirrored at their ends by the first layer, or by the widest dilation behind it.
        self.shortest = max(4, 3 ** max(stacks - 1, 0) // scales[0] + 1)
        within = sum(3**place for place in range(stacks))
        self.reach = upsampling_reach(scales, [2 * scale for scale in scales], within, first=3, last=3)
        self.first = TimeConv(mels, channels, 7, padding=3, padding_mode="reflect")
        self.upsamplers, self.stacks = nn.ModuleList(), nn.ModuleList()
        for scale in scales:
            odd = scale % 2
            self.upsamplers.append(
                TimeUpsampling(channels, channels // 2, 2 * scale, scale, scale // 2 + odd, output_padding=odd)
            )
            channels //= 2
            self.stacks.append(nn.Sequential(*(MelGanBlock(channels, 3**place) for place in range(stacks))))
        self.last = TimeConv(channels, 1, 7, padding=3, padding_mode="reflect")
        add_weight_norm(self)

    def forward(self, features: Tensor, noise: Tensor | None = None) -> Tensor:
        """Features [B, mels, N] to waveforms [B, N prod(scales)] in (-1, 1); of few frames the last one is repeated."""
        samples = features.shape[2] * self.hop
        if features.shape[2] < self.shortest:
            features = F.pad(features, (0, self.shortest - features.shape[2]), mode="replicate")
        hidden = self.first(to_time(features))
        for upsampler, stack in zip(self.upsamplers, self.stacks, strict=True):
            hidden = stack(upsampler(F.leaky_relu(hidden, SLOPE)))
        return self.last(F.leaky_relu(hidden, SLOPE))[:, 0, 0, :samples].tanh()


class MelGanDiscriminator(nn.Module):
    """Scores windows of a waveform, and gives the feature maps before each score.

    Args:
        channels: of the first layer; each of the strided ones has four times as many, up to `limit`.
        strides: of the grouped convolutions of 10 strides + 1 samples.

    Raises:
        ConfigError: channels that cannot be divided into groups of 4.
    """

    def __init__(self, channels: int = 16, strides: Sequence[int] = (4, 4, 4, 4), limit: int = 1024) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv1d(1, channels, 15, padding=7, padding_mode="reflect")])
        inside = channels
        for stride in strides:
            outside = min(4 * inside, limit)
            if inside < 4 or inside % 4 or outside % (inside // 4):
                raise ConfigError(
                    f"system: channels {channels}, limit {limit}: no groups of 4 channels in a layer from {inside} to "
                    f"{outside}; take powers of 2 from 4 on"
                )
            self.layers.append(nn.Conv1d(inside, outside, 10 * stride + 1, stride, 5 * stride, groups=inside // 4))
            inside = outside
        outside = min(2 * inside, limit)
        self.layers.append(nn.Conv1d(inside, outside, 5, padding=2))
        self.last = nn.Conv1d(outside, 1, 3, padding=1)

    def forward(self, waves: Tensor) -> list[Tensor]:
        """Waveforms [B, 1, T] to feature maps [B, C, N] of each layer, the scores [B, 1, M] last."""
        maps = []
        for layer in self.layers:
            waves = F.leaky_relu(layer(waves), SLOPE)
            maps.append(waves)
        return [*maps, self.last(waves)]


class MelGanDiscriminators(WaveDiscriminator):
    """Discriminators of the same shape for the waveform and for its averages over 2, 4, ... samples.

    Args:
        scales: discriminators.
        channels, strides, limit: of each, see `MelGanDiscriminator`, with what it raises.
    """

    def __init__(
        self,
        scales: int = 3,
        channels: int = 16,
        strides: Sequence[int] = (4, 4, 4, 4),
        limit: int = 1024,
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(MelGanDiscriminator(channels, strides, limit) for _ in range(scales))
        add_weight_norm(self)

    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        """Waveforms [B, T] to what each discriminator gives."""
        waves, maps = waves.unsqueeze(1), []
        for discriminator in self.discriminators:
            maps.append(discriminator(waves))
            waves = F.avg_pool1d(waves, 4, 2, 1, count_include_pad=False)
        return maps
