"""The attention decoder: a transformer that predicts the next unit from memory and the units before."""

import math

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.dropout import Dropout
from nrsr.nn.sinusoids import sinusoids
from nrsr.signal.masks import valid_mask


class TransformerDecoder(nn.Module):
    """Transformer decoder layers (Vaswani et al. 2017) with layer norm before each module.

    The layers are `torch.nn.TransformerDecoderLayer`. The defaults are the sizes of the gradient-remedy paper.

    Args:
        vocabulary: number of units, the last of them `<sos/eos>` (given by the program).
        dim: size of the memory and of the hidden vectors (given by the program: the encoder's).
        layers, heads, ffn: sizes; `heads` divides `dim`.
        dropout: everywhere.

    Raises:
        ConfigError: heads that do not divide `dim`.
    """

    def __init__(
        self, vocabulary: int, dim: int, layers: int = 6, heads: int = 4, ffn: int = 2048, dropout: float = 0.1
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ConfigError(f"system.decoder: heads {heads} must divide the encoder's dim {dim}")
        self.embedding = nn.Embedding(vocabulary, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        self.dropout = Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(dim, heads, ffn, dropout, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, vocabulary)

    def forward(self, memory: Tensor, memory_lengths: Tensor, tokens: Tensor, token_lengths: Tensor) -> Tensor:
        """Logits [B, U, V] of the unit after each of `tokens` (teacher forcing).

        Args:
            memory: [B, M, dim] of the encoder, with lengths [B].
            tokens: [B, U] `<sos/eos>` and the units after it.
            token_lengths: [B]; logits past them mean nothing.
        """
        size = tokens.shape[1]
        hidden = self.dropout(self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim) + self._positions(size))
        later = torch.ones(size, size, dtype=torch.bool, device=tokens.device).triu(1)
        padding = ~valid_mask(token_lengths.clamp_min(1), size)
        # One frame at least stays open, so that an utterance without frames does not turn into NaN.
        memory_padding = ~valid_mask(memory_lengths.clamp_min(1), memory.shape[1])
        for layer in self.layers:
            hidden = layer(
                hidden, memory, tgt_mask=later, tgt_key_padding_mask=padding, memory_key_padding_mask=memory_padding
            )
        return self.out(self.norm(hidden))

    def step(self, memory: Tensor, memory_lengths: Tensor, prefixes: Tensor) -> Tensor:
        """Log-probabilities [B, V] of the next unit after `prefixes` [B, U], which start with `<sos/eos>`."""
        lengths = torch.full((len(prefixes),), prefixes.shape[1], device=prefixes.device)
        return self(memory, memory_lengths, prefixes, lengths)[:, -1].float().log_softmax(dim=1)

    def _positions(self, size: int) -> Tensor:
        """Sinusoids [size, dim] of the absolute positions 0, 1, ..."""
        weight = self.embedding.weight
        return sinusoids(torch.arange(size, device=weight.device), weight.shape[1]).to(weight.dtype)
