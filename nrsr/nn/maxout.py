"""Maxout layers (Goodfellow et al., ICML 2013)."""

from torch import Tensor, nn


class Maxout(nn.Module):
    """The largest of `pieces` linear functions for each output: [..., inputs] to [..., outputs]."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs * pieces)
        self.pieces = pieces

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., in] to [..., out], the largest of each unit's linear pieces."""
        return self.linear(inputs).unflatten(-1, (-1, self.pieces)).amax(-1)
