"""Discriminators of HiFi-GAN (Kong, Kim, Bae, NeurIPS 2020; arXiv 2010.05646): several periods, several scales."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from nrsr.config import ConfigError
from nrsr.nn.wave_discriminator import WaveDiscriminator
from nrsr.nn.weight_norm import CONVOLUTIONS, add_weight_norm

SLOPE = 0.1
KERNEL, STRIDE = 5, 3  # of the period discriminators, over the periods
# Kernel, stride, groups of a scale discriminator's layers, and their channels over those of the first one.
SCALE_LAYERS = (
    (15, 1, 1, 1), (41, 2, 4, 1), (41, 2, 16, 2), (41, 4, 16, 4), (41, 4, 16, 8), (41, 1, 16, 8), (5, 1, 1, 8),
)  # fmt: skip


class PeriodDiscriminator(nn.Module):
    """Looks at every p-th sample: the waveform folded to T / p x p, and convolutions along the first axis alone.

    Args:
        period: p.
        channels: of the layers; all but the last have stride 3.
    """

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        pairs = list(zip([1, *channels[:-1]], channels, strict=True))
        self.layers = nn.ModuleList(
            nn.Conv2d(inside, outside, (KERNEL, 1), (STRIDE if place < len(pairs) - 1 else 1, 1), (KERNEL // 2, 0))
            for place, (inside, outside) in enumerate(pairs)
        )
        self.last = nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, waves: Tensor) -> list[Tensor]:
        """Waveforms [B, 1, T] to feature maps [B, C, N, p] of each layer, the scores [B, 1, M, p] last."""
        waves = F.pad(waves, (0, -waves.shape[2] % self.period), mode="reflect")
        return feature_maps(waves.unflatten(2, (-1, self.period)), self.layers, self.last)


class ScaleDiscriminator(nn.Module):
    """Looks at the waveform, or at its averages over 2 or 4 samples, by strided grouped convolutions.

    Args:
        channels: of the first layer, a multiple of 16.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers, inside = nn.ModuleList(), 1
        for kernel, stride, groups, multiple in SCALE_LAYERS:
            outside = multiple * channels
            self.layers.append(nn.Conv1d(inside, outside, kernel, stride, (kernel - 1) // 2, groups=groups))
            inside = outside
        self.last = nn.Conv1d(inside, 1, 3, padding=1)

    def forward(self, waves: Tensor) -> list[Tensor]:
        """Waveforms [B, 1, T] to feature maps [B, C, N] of each layer, the scores [B, 1, M] last."""
        return feature_maps(waves, self.layers, self.last)


class HiFiGanDiscriminators(WaveDiscriminator):
    """Discriminators of several periods, and of the waveform and its averages.

    The first of the scales has spectral norm, all others weight norm; without them 70,702,792 parameters.

    Args:
        periods: one discriminator each.
        channels: of the layers of these.
        scales: discriminators of the waveform and of its averages over 2, 4, ... samples.
        scale_channels: of their first layer.

    Raises:
        ConfigError: a period that is no whole number above 0.
    """

    def __init__(
        self,
        periods: Sequence[int] = (2, 3, 5, 7, 11),
        channels: Sequence[int] = (32, 128, 512, 1024, 1024),
        scales: int = 3,
        scale_channels: int = 128,
    ) -> None:
        super().__init__()
        if not all(type(period) is int and period > 0 for period in periods):
            raise ConfigError(f"system.discriminator: periods {list(periods)} must be whole numbers above 0")
        self.periods = nn.ModuleList(PeriodDiscriminator(period, channels) for period in periods)
        self.scales = nn.ModuleList(ScaleDiscriminator(scale_channels) for _ in range(scales))
        for module in self.scales[:1].modules():
            if isinstance(module, CONVOLUTIONS):
                spectral_norm(module)
        add_weight_norm(self.periods)
        add_weight_norm(self.scales[1:])

    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        """Waveforms [B, T] to the outputs of the periods, then of the scales."""
        waves = waves.unsqueeze(1)
        maps = [discriminator(waves) for discriminator in self.periods]
        for discriminator in self.scales:
            maps.append(discriminator(waves))
            waves = F.avg_pool1d(waves, 4, 2, 2)
        return maps


def feature_maps(hidden: Tensor, layers: nn.ModuleList, last: nn.Module) -> list[Tensor]:
    """The activated outputs of layers, then the output of the last one as it is."""
    maps = []
    for layer in layers:
        hidden = F.leaky_relu(layer(hidden), SLOPE)
        maps.append(hidden)
    return [*maps, last(hidden)]
