"""The conformer encoder (Gulati et al., "Conformer: Convolution-augmented Transformer", Interspeech 2020)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.dropout import Dropout
from nrsr.nn.encoder import Encoder
from nrsr.nn.masked_batch_norm import MaskedBatchNorm
from nrsr.nn.relative_attention import RelativeSelfAttention, relative_positions
from nrsr.nn.subsampling import Conv2dSubsampling
from nrsr.signal.masks import valid_mask


class FeedForward(nn.Sequential):
    """Half of the feed-forward module beside a residual path: layer norm, Swish between two linear layers, dropout."""

    def __init__(self, dim: int, inner: int, dropout: float) -> None:
        widen, narrow = nn.Linear(dim, inner), nn.Linear(inner, dim)
        super().__init__(nn.LayerNorm(dim), widen, nn.SiLU(), Dropout(dropout), narrow, Dropout(dropout))

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, M, dim] to the same."""
        norm, widen, _, inner_dropout, narrow, dropout = self
        return dropout.added(hidden, narrow(inner_dropout.of_swish(widen(norm(hidden)))), 0.5)


class ConvolutionModule(nn.Module):
    """Pointwise convolution with GLU, depthwise convolution, norm, Swish, pointwise convolution (figure 2).

    Args:
        kernel: odd number of frames that the depthwise convolution sees.
        norm: "batch" as published (statistics leave padding out), or "layer".
    """

    def __init__(self, dim: int, kernel: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(dim)
        self.gate = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GLU())
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = MaskedBatchNorm(dim) if norm == "batch" else nn.LayerNorm(dim)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(dim, dim))
        self.dropout = Dropout(dropout)

    def forward(self, hidden: Tensor, valid: Tensor) -> Tensor:
        """hidden + module(hidden) [B, M, dim], with `valid` [B, M]."""
        gated = self.gate(self.layer_norm(hidden)).masked_fill(~valid.unsqueeze(2), 0.0)
        seen = over_time(self.depthwise, gated)
        normed = self.norm(seen, valid) if isinstance(self.norm, MaskedBatchNorm) else self.norm(seen)
        return self.dropout.added(hidden, self.out(normed))


def over_time(layer: nn.Conv1d, frames: Tensor) -> Tensor:
    """A depthwise convolution of frames [B, M, C] to the same.

    On a CPU as one of two dimensions with channels innermost, as they are: the other needs copies, and takes twice as
    long.
    """
    if frames.device.type != "cpu":
        return layer(frames.transpose(1, 2)).transpose(1, 2)
    weight = layer.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    maps = frames.transpose(1, 2).unsqueeze(2)
    return F.conv2d(maps, weight, layer.bias, padding=(0, layer.padding[0]), groups=layer.groups)[:, :, 0].transpose(
        1, 2
    )


class ConformerBlock(nn.Module):
    """Half feed-forward, self-attention, convolution, half feed-forward, layer norm (section 2.4)."""

    def __init__(self, dim: int, heads: int, ffn: int, kernel: int, conv_norm: str, dropout: float) -> None:
        super().__init__()
        self.first = FeedForward(dim, ffn, dropout)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = RelativeSelfAttention(dim, heads, dropout)
        self.dropout = Dropout(dropout)
        self.convolution = ConvolutionModule(dim, kernel, conv_norm, dropout)
        self.second = FeedForward(dim, ffn, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, hidden: Tensor, positions: Tensor, valid: Tensor) -> Tensor:
        """[B, M, dim], relative positions [2M - 1, dim] and `valid` [B, M] to [B, M, dim]."""
        hidden = self.first(hidden)
        hidden = self.dropout.added(hidden, self.attention(self.attention_norm(hidden), positions, ~valid))
        return self.norm(self.second(self.convolution(hidden, valid)))


class ConformerEncoder(Encoder):
    """Conv2d subsampling and conformer blocks.

    The defaults are the sizes of the gradient-remedy paper (12 blocks, 256, 4 heads, 2048, kernel 15).

    Args:
        input_dim: features per frame (given by the program).
        blocks, dim, heads, ffn, kernel: sizes; `heads` divides `dim`, `kernel` is odd.
        subsampling: 2 or 4.
        channels: channels of the subsampling convolutions, `dim` where it is None.
        conv_norm: "batch" or "layer", the norm in the convolution modules.
        dropout: everywhere.

    Raises:
        ConfigError: sizes that do not fit together.
    """

    def __init__(
        self,
        input_dim: int,
        blocks: int = 12,
        dim: int = 256,
        heads: int = 4,
        ffn: int = 2048,
        kernel: int = 15,
        subsampling: int = 4,
        channels: int | None = None,
        conv_norm: str = "batch",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ConfigError(f"system.encoder: heads {heads} must divide dim {dim}")
        if kernel % 2 == 0:
            raise ConfigError(f"system.encoder: kernel {kernel} must be odd, so that it has a middle frame")
        if conv_norm not in ("batch", "layer"):
            raise ConfigError(f"system.encoder: conv_norm {conv_norm!r} is neither 'batch' nor 'layer'")
        self.dim = dim
        self.subsampling = Conv2dSubsampling(input_dim, dim, subsampling, channels)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(ConformerBlock(dim, heads, ffn, kernel, conv_norm, dropout) for _ in range(blocks))

    def output_lengths(self, frames: Tensor) -> Tensor:
        return self.subsampling.output_lengths(frames)

    @property
    def dims(self) -> list[int]:
        return [self.dim] * len(self.blocks)

    def forward(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        hidden, positions, valid, lengths = self._enter(features, frames)
        for block in self.blocks:
            hidden = block(hidden, positions, valid)
        return hidden, lengths

    def layers(self, features: Tensor, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        hidden, positions, valid, lengths = self._enter(features, frames)
        outputs = []
        for block in self.blocks:
            hidden = block(hidden, positions, valid)
            outputs.append(hidden)
        return outputs, lengths

    def _enter(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the blocks take: hidden vectors, relative positions, mask; and the lengths."""
        hidden, lengths = self.subsampling(features, frames)
        size = hidden.shape[1]
        positions = relative_positions(size, self.dim, hidden.device, hidden.dtype)
        return self.dropout(hidden), positions, valid_mask(lengths, size), lengths
