"""Convolutional subsampling: the first layers of an encoder, which make the sequence shorter."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.strided_convolutions import KERNEL, STRIDE, plain_convolutions, strided_convolutions


class Conv2dSubsampling(nn.Module):
    """Two-dimensional convolutions over time and frequency, then one linear layer to `dim`.

    Each convolution (kernel 3, stride 2, no padding) halves both axes. Without padding an output that counts as
    valid sees valid frames only, so nothing has to be masked in between.

    Args:
        input_dim: features per frame.
        dim: size of the output vectors.
        factor: 2 (one convolution) or 4 (two).
        channels: channels of the convolutions; `dim` where it is None, as in the conformer paper.

    Raises:
        ConfigError: another factor, no channels, or features too narrow for the convolutions.
    """

    def __init__(self, input_dim: int, dim: int, factor: int = 4, channels: int | None = None) -> None:
        super().__init__()
        if factor not in (2, 4):
            raise ConfigError(f"subsampling: {factor!r} is not offered; choose 2 or 4")
        channels = dim if channels is None else channels
        if channels < 1:
            raise ConfigError(f"subsampling: {channels} channels; give at least 1")
        self.steps = int(math.log2(factor))
        width = input_dim
        layers: list[nn.Module] = []
        for step in range(self.steps):
            width = (width - KERNEL) // STRIDE + 1
            layers += [nn.Conv2d(1 if step == 0 else channels, channels, KERNEL, STRIDE), nn.ReLU()]
        if width < 1:
            raise ConfigError(f"subsampling: {input_dim} features a frame are too few for a factor of {factor}")
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Linear(channels * width, dim)
        # Shortest input that the convolutions accept; batches of nothing but shorter utterances are padded to it.
        self.shortest = 3 if factor == 2 else 7

    def output_lengths(self, frames: Tensor) -> Tensor:
        """Outputs [B] for frame counts [B]; 0 where the utterance is too short for one."""
        for _ in range(self.steps):
            frames = ((frames - KERNEL) // STRIDE + 1).clamp_min(0)
        return frames

    def forward(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, N, input_dim] and frame counts [B] to ([B, M, dim], lengths [B])."""
        if features.shape[1] < self.shortest:
            features = F.pad(features, (0, 0, 0, self.shortest - features.shape[1]))
        layers = [layer for layer in self.convolutions if isinstance(layer, nn.Conv2d)]
        weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
        mixed = torch.is_autocast_enabled(features.device.type)
        if features.device.type == "cpu" and features.dtype == torch.float32 and not mixed:
            maps = strided_convolutions(features.unsqueeze(3), weights, biases)
            # Channels are innermost here: the weight is turned round, not the maps, which are larger.
            weight = self.project.weight.unflatten(1, (maps.shape[3], maps.shape[2])).transpose(1, 2).flatten(1)
            hidden = F.linear(maps.flatten(2), weight, self.project.bias)
        else:
            maps = plain_convolutions(features.unsqueeze(1), weights, biases)
            hidden = self.project(maps.transpose(1, 2).flatten(2))
        return hidden, self.output_lengths(frames)
