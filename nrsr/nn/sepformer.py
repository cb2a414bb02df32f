"""SepFormer (Subakan et al., ICASSP 2021): the dual-path transformer as a mask network."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.dual_path import DualPath, DualPathBlock, SequencePath
from nrsr.nn.sinusoids import sinusoids
from nrsr.signal.masks import valid_mask


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017) through torch's fused kernels."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(dim, 3 * dim)
        nn.init.xavier_uniform_(self.queries_keys_values.weight)
        nn.init.zeros_(self.queries_keys_values.bias)
        self.out = nn.Linear(dim, dim)
        nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, keys: Tensor | None) -> Tensor:
        """[R, L, dim] to the same; `keys` [R, 1, 1, L] is True where a position may be looked at, None everywhere."""
        parts = self.queries_keys_values(hidden).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*parts.unbind(), attn_mask=keys)
        return self.out(mixed.transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Self-attention and two linear layers with a ReLU, each behind a layer norm and beside a residual path."""

    def __init__(self, dim: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(dim, eps=1e-6), SelfAttention(dim, heads)
        self.ffn_norm = nn.LayerNorm(dim, eps=1e-6)
        self.ffn = nn.Sequential(nn.Linear(dim, ffn), nn.ReLU(inplace=True), nn.Linear(ffn, dim))

    def forward(self, hidden: Tensor, keys: Tensor | None) -> Tensor:
        """[R, L, dim] to the same; `keys` as for the attention."""
        hidden = hidden + self.attention(self.attention_norm(hidden), keys)
        return hidden + self.ffn(self.ffn_norm(hidden))


class TransformerPath(SequencePath):
    """Sinusoids of the positions added, transformer layers, layer norm."""

    def __init__(self, dim: int, layers: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(dim, heads, ffn) for _ in range(layers))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, sequences: Tensor, lengths: list[int] | None) -> Tensor:
        _, size, dim = sequences.shape
        keys = None
        if lengths is not None:
            valid = valid_mask(torch.tensor(lengths, device=sequences.device), size)
            keys = valid.repeat_interleave(len(sequences) // len(lengths), 0)[:, None, None]
        hidden = sequences + sinusoids(torch.arange(size, device=sequences.device), dim).to(sequences.dtype)
        for layer in self.layers:
            hidden = layer(hidden, keys)
        return self.norm(hidden)


class SepFormer(DualPath):
    """Dual-path blocks of two transformer paths. The defaults are the published sizes on LibriMix.

    Args:
        filters, masks: given by the program.
        blocks: number of dual-path blocks.
        layers: of each path; 8 in the separator, 1 in the enhancer of the unified network.
        dim: channels inside.
        heads, ffn: of a transformer layer; `heads` divides `dim`.
        chunk: frames in a chunk, an even number.
    """

    def __init__(
        self,
        filters: int,
        masks: int,
        blocks: int = 2,
        layers: int = 8,
        dim: int = 256,
        heads: int = 8,
        ffn: int = 1024,
        chunk: int = 250,
    ) -> None:
        if dim % heads:
            raise ConfigError(f"heads {heads} must divide dim {dim}")
        paths = [[TransformerPath(dim, layers, heads, ffn) for _ in range(2)] for _ in range(blocks)]
        super().__init__(filters, masks, [DualPathBlock(*pair, dim) for pair in paths], dim, chunk)
