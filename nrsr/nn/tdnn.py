"""The time-delay network of hybrid recognisers: layers that join frames at given offsets."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.frame_network import FrameNetwork, relu_layer

# Peddinti, Povey and Khudanpur, "A time delay neural network architecture for efficient modeling of long temporal
# contexts", Interspeech 2015: the TDNN-B of table 1, 13 frames to the left and 9 to the right.
OFFSETS = ((-2, -1, 0, 1, 2), (-1, 2), (-3, 3), (-7, 2), (0,))


class Tdnn(FrameNetwork):
    """Each layer sees the layer before it at a few offsets, so that the context grows with few weights.

    Args:
        input_dim: features per frame (given by the program).
        width: units in each layer.
        offsets: for each layer the frames that it joins; 0 lies between the first and the last of them, or is one.
        dropout: after every layer.
        norm: "batch" for batch normalisation after every layer, or None.
    """

    def __init__(
        self,
        input_dim: int,
        width: int = 512,
        offsets: Sequence[Sequence[int]] = OFFSETS,
        dropout: float = 0.0,
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        if not offsets or not all(layer and min(layer) <= 0 <= max(layer) for layer in offsets):
            raise ConfigError(f"system.network: offsets {offsets!r}: give each layer frames on both sides of 0, or 0")
        if norm not in (None, "batch"):
            raise ConfigError(f"system.network: norm {norm!r} is neither 'batch' nor left out")
        self.offsets = [sorted(layer) for layer in offsets]
        self.left, self.right = -sum(min(layer) for layer in offsets), sum(max(layer) for layer in offsets)
        self.dims = [width] * len(offsets)
        sizes = [input_dim] + self.dims[:-1]
        self.layers = nn.ModuleList(
            relu_layer(size * len(layer), width, dropout, norm) for size, layer in zip(sizes, offsets, strict=True)
        )

    def forward(self, inputs: Tensor) -> list[Tensor]:
        wanted = inputs.shape[1] - self.left - self.right
        hidden, before, outputs = inputs, self.left, []
        for layer, offsets in zip(self.layers, self.offsets, strict=True):
            size = hidden.shape[1] - (offsets[-1] - offsets[0])
            starts = [offset - offsets[0] for offset in offsets]
            hidden = layer(torch.cat([hidden[:, start : start + size] for start in starts], dim=2))
            before += offsets[0]  # frames before the first wanted one in this layer
            outputs.append(hidden[:, before : before + wanted])
        return outputs
