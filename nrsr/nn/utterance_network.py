"""What gives an utterance its class, and a vector beside it: the slot `network` of a classifier."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from nrsr.config import build
from nrsr.nn.encoder import Encoder
from nrsr.nn.feature_norm import UtteranceNorm
from nrsr.signal.masks import zero_padding


class UtteranceNetwork(nn.Module, ABC):
    """Features of whole utterances to logits of classes.

    The first two arguments of a child come from the program: `dim`, the features per frame, and `labels`, the number
    of classes.
    """

    @abstractmethod
    def embed(self, features: Tensor, frames: Tensor) -> Tensor:
        """Features [B, N, dim] with frame counts [B] to the last hidden layer [B, width]."""

    @abstractmethod
    def classify(self, embeddings: Tensor) -> Tensor:
        """The last hidden layer [B, width] to logits [B, labels]."""


class PooledEncoder(UtteranceNetwork):
    """An encoder of recognisers; its hidden vectors' mean and deviation over time are the last hidden layer.

    Args:
        encoder: `{class: ..., ...}` of an `Encoder`.
        dropout: before the last layer.
    """

    def __init__(self, dim: int, labels: int, encoder: dict[str, Any], dropout: float = 0.2) -> None:
        super().__init__()
        self.norm = UtteranceNorm(dim)
        self.encoder = build(encoder, Encoder, "system.network.encoder", input_dim=dim)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(2 * self.encoder.dim, labels)

    def embed(self, features: Tensor, frames: Tensor) -> Tensor:
        hidden, lengths = self.encoder(self.norm(features, frames), frames)
        count = lengths.clamp_min(1).view(-1, 1)
        mean = zero_padding(hidden, lengths).sum(1) / count
        variance = zero_padding(hidden - mean.unsqueeze(1), lengths).square().sum(1) / count
        return torch.cat([mean, variance.clamp_min(1e-8).sqrt()], dim=1)

    def classify(self, embeddings: Tensor) -> Tensor:
        return self.out(self.dropout(embeddings))


class MeanPool(UtteranceNetwork):
    """The mean of the features over an utterance's own frames, a layer with ReLU, and the classes.

    What is put on self-supervised encoders for emotions (SUPERB: Yang et al., Interspeech 2021, without the ReLU).

    Args:
        width: of the last hidden layer.
        dropout: before and behind it.
    """

    def __init__(self, dim: int, labels: int, width: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, width), nn.ReLU(), nn.Dropout(dropout))
        self.out = nn.Linear(width, labels)

    def embed(self, features: Tensor, frames: Tensor) -> Tensor:
        return self.hidden(zero_padding(features, frames).sum(1) / frames.clamp_min(1).view(-1, 1))

    def classify(self, embeddings: Tensor) -> Tensor:
        return self.out(embeddings)
