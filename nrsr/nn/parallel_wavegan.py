"""Generator and discriminator of Parallel WaveGAN (Yamamoto, Song, Kim, ICASSP 2020; arXiv 1910.11480)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.time_convolutions import TimeConv
from nrsr.nn.wave_discriminator import WaveDiscriminator
from nrsr.nn.wave_generator import WaveGenerator
from nrsr.nn.wavenet_inference import can_infer, infer
from nrsr.nn.weight_norm import add_weight_norm

CONTEXT = 2  # frames either side of a frame that the first layer looks at
SLOPE = 0.2


class MelUpsampler(nn.Module):
    """Features at the frame rate to features at the sampling rate: repeated, then smoothed, once per scale."""

    def __init__(self, mels: int, scales: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv1d(mels, mels, 2 * CONTEXT + 1, bias=False)
        self.scales = tuple(scales)
        self.smoothers = nn.ModuleList(
            nn.Conv2d(1, 1, (1, 2 * scale + 1), padding=(0, scale), bias=False) for scale in scales
        )
        for smoother in self.smoothers:
            nn.init.constant_(smoother.weight, 1.0 / smoother.weight.numel())

    def forward(self, features: Tensor) -> Tensor:
        """[B, mels, N + 2 CONTEXT] to [B, mels, N prod(scales)]."""
        return self.smooth(self.first(features))

    def smooth(self, features: Tensor) -> Tensor:
        """[B, mels, N] to [B, mels, N prod(scales)], each band by itself."""
        hidden = features.unsqueeze(1)
        for scale, smoother in zip(self.scales, self.smoothers, strict=True):
            hidden = smoother(hidden.repeat_interleave(scale, dim=3))
        return hidden.squeeze(1)


class WaveNetBlock(nn.Module):
    """A dilated convolution, gated with the features' help, to the residual path and the skip path."""

    def __init__(self, residual: int, gate: int, skip: int, mels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 * dilation
        self.dilated = TimeConv(residual, gate, kernel, dilation=dilation, padding=padding)
        self.features = TimeConv(mels, gate, 1, bias=False)
        self.residual = TimeConv(gate // 2, residual, 1)
        self.skip = TimeConv(gate // 2, skip, 1)

    def forward(self, inputs: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """[B, residual, 1, T] and features [B, mels, 1, T] to the next block's inputs and skip [B, skip, 1, T]."""
        filtered, gate = (self.dilated(inputs) + self.features(features)).chunk(2, dim=1)
        hidden = filtered.tanh() * gate.sigmoid()
        return (self.residual(hidden) + inputs) * 0.5**0.5, self.skip(hidden)


class ParallelWaveGanGenerator(WaveGenerator):
    """Gaussian noise and log-mel features to a waveform by a non-causal WaveNet.

    The count of the maintained implementation, 1,334,309 parameters at four scales of 4, is that of the defaults; the
    paper prints 1.44 M.

    Args:
        mels: bands.
        scales: of the upsampling; their product is the hop.
        blocks, stacks: the dilation doubles from block to block and starts anew in each stack.
        residual, gate, skip: channels; those of `gate` are an even number.
        kernel: odd length of the dilated convolutions.

    Raises:
        ConfigError: sizes that do not fit.
    """

    context = CONTEXT
    takes_noise = True

    def __init__(
        self,
        mels: int = 80,
        scales: Sequence[int] = (4, 4, 4, 4),
        blocks: int = 30,
        stacks: int = 3,
        residual: int = 64,
        gate: int = 128,
        skip: int = 64,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        if blocks % stacks:
            raise ConfigError(f"system: {blocks} blocks cannot be divided into {stacks} stacks")
        if kernel % 2 == 0:
            raise ConfigError(f"system: kernel {kernel} must be an odd number")
        if gate < 2 or gate % 2:
            raise ConfigError(f"system: gate {gate} must be an even number; half of the channels gate the others")
        cycle = blocks // stacks
        self.hop = math.prod(scales)
        samples = stacks * (kernel - 1) // 2 * (2**cycle - 1)
        # Frames to either side that upsampled features depend on.
        self.smoothed = sum(1.0 / math.prod(scales[:place]) for place in range(len(scales)))
        self.reach = math.ceil(samples / self.hop + self.smoothed) + CONTEXT
        self.upsampler = MelUpsampler(mels, scales)
        self.first = TimeConv(1, residual, 1)
        self.blocks = nn.ModuleList(
            WaveNetBlock(residual, gate, skip, mels, kernel, 2 ** (place % cycle)) for place in range(blocks)
        )
        self.hidden, self.last = TimeConv(skip, skip, 1), TimeConv(skip, 1, 1)
        self.apply(wavenet_start_)
        add_weight_norm(self)

    def forward(self, features: Tensor, noise: Tensor | None = None) -> Tensor:
        """Features [B, mels, T / prod(scales) + 2 context] and noise [B, T] to waveforms [B, T]."""
        if noise is None:
            samples = (features.shape[2] - 2 * CONTEXT) * self.hop
            noise = torch.randn(len(features), samples, device=features.device, dtype=features.dtype)
        if can_infer(self, features):
            return torch.stack([infer(self, *pair) for pair in zip(features, noise, strict=True)])
        features = self.upsampler(features).unsqueeze(2)
        hidden, total = self.first(noise[:, None, None]), 0.0
        for block in self.blocks:
            hidden, skip = block(hidden, features)
            total = total + skip
        total = total * (1.0 / len(self.blocks)) ** 0.5
        return self.last(self.hidden(total.relu()).relu())[:, 0, 0]


class ParallelWaveGanDiscriminator(WaveDiscriminator):
    """Scores each sample by non-causal convolutions of growing dilation 1, 1, 2, 3, ..., and 1 at the end.

    Args:
        layers: convolutions, the first and last included.
        channels: of all layers but the last.
    """

    def __init__(self, layers: int = 10, channels: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(channels if place else 1, channels, 3, dilation=max(place, 1), padding=max(place, 1))
            for place in range(layers - 1)
        )
        self.last = nn.Conv1d(channels, 1, 3, padding=1)
        self.apply(wavenet_start_)
        add_weight_norm(self)

    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        """Waveforms [B, T] to the feature maps of each layer [B, channels, T] and the scores [B, 1, T]."""
        maps = [waves.unsqueeze(1)]
        for layer in self.layers:
            maps.append(F.leaky_relu(layer(maps[-1]), SLOPE))
        return [[*maps[1:], self.last(maps[-1])]]


def wavenet_start_(module: nn.Module) -> None:
    """1-D convolutions start as He et al. have it for ReLU, their biases at 0."""
    if isinstance(module, nn.Conv1d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            with torch.no_grad():
                module.bias.zero_()
