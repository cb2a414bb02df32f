"""Self-attention with relative positions, as Transformer-XL has it and the conformer uses it."""

import torch
from torch import Tensor, nn

from nrsr.nn.dropout import Dropout
from nrsr.nn.sinusoids import sinusoids


def relative_positions(size: int, dim: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Sinusoids [2 * size - 1, dim] of the distances size - 1, ..., 0, ..., 1 - size (key behind query first)."""
    return sinusoids(torch.arange(size - 1, -size, -1.0, device=device), dim).to(dtype)


def align_distances(scores: Tensor) -> Tensor:
    """[..., M, 2M - 1] scores by distance (M - 1 first) to [..., M, M] scores by key position.

    Row i needs the entries M - 1 - i, ..., 2M - 2 - i. With the two axes read as one, from entry M - 1 on, each of
    these rows begins 2M - 2 entries behind the one before: a view does it, without a copy or an index table.
    """
    size, distances = scores.shape[-2:]
    rows = scores.flatten(-2).narrow(-1, size - 1, size * (distances - 1) or 1)
    return rows.unflatten(-1, (size, distances - 1 or 1))[..., :size]


class RelativeSelfAttention(nn.Module):
    """Multi-head self-attention with content and position terms (Dai et al. 2019, section 3.3).

    score(i, j) = ((q_i + u)·k_j + (q_i + v)·W r_{i-j}) / sqrt(d_head)

    Args:
        dim: size of the vectors, divisible by `heads`.
        dropout: on the attention weights.
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(dim, 3 * dim)
        self.positions = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.empty(heads, 1, dim // heads))
        self.position_bias = nn.Parameter(torch.empty(heads, 1, dim // heads))
        nn.init.xavier_uniform_(self.content_bias)
        nn.init.xavier_uniform_(self.position_bias)
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(dim, dim)

    def forward(self, hidden: Tensor, positions: Tensor, padding: Tensor) -> Tensor:
        """Attend within each utterance.

        Args:
            hidden: [B, M, dim].
            positions: [2M - 1, dim] of `relative_positions`.
            padding: [B, M] boolean, True at padded positions.
        """
        batch, size, dim = hidden.shape
        split = self.queries_keys_values(hidden).reshape(batch, size, 3, self.heads, -1)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        distances = self.positions(positions).reshape(2 * size - 1, self.heads, -1).permute(1, 2, 0)
        # The queries are scaled, which are smaller than the scores, and keep these in the range of float16.
        scale = (dim // self.heads) ** -0.5
        position = align_distances(torch.add(scale * self.position_bias, queries, alpha=scale) @ distances)
        queries = torch.add(scale * self.content_bias, queries, alpha=scale)
        scores = torch.baddbmm(position.flatten(0, 1), queries.flatten(0, 1), keys.transpose(-2, -1).flatten(0, 1))
        scores = scores.view(batch, self.heads, size, size)
        # The lowest finite value, not -inf: an utterance without any valid frame must not turn into NaN.
        scores = scores.masked_fill_(padding[:, None, None, :], torch.finfo(scores.dtype).min)
        context = self.dropout(scores.softmax(dim=-1)) @ values
        return self.out(context.transpose(1, 2).reshape(batch, size, dim))
