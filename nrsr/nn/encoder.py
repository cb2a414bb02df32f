"""What an acoustic encoder is: features in, a shorter sequence of hidden vectors out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Encoder(nn.Module, ABC):
    """The slot `system.encoder`; `input_dim` is its first argument and comes from the program.

    In evaluation the valid frames of an utterance do not depend on its padding or on the rest of the batch.

    Attributes:
        dim: size of the hidden vectors.
        dims: size of those of each layer, the first layer first; the last is `dim`.
    """

    dim: int

    @property
    def dims(self) -> list[int]:
        """Size of the hidden vectors of each layer, the first layer first; the last is `dim`."""
        return [self.dim]

    @abstractmethod
    def forward(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, N, D] with frame counts [B] to (hidden [B, M, dim], lengths [B])."""

    def layers(self, features: Tensor, frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """The hidden vectors [B, M, dims[l]] of each layer, the last as `forward` gives them, and their lengths [B].

        An encoder that does not show its layers has one.
        """
        hidden, lengths = self(features, frames)
        return [hidden], lengths

    @abstractmethod
    def output_lengths(self, frames: Tensor) -> Tensor:
        """Number of hidden vectors [B] for frame counts [B]."""
