"""Virtual batch normalisation (Salimans et al., NeurIPS 2016, section 3.5) of 1-D feature maps."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Moments(NamedTuple):
    """First and second moments, [1, C, 1] of a whole batch or [B, C, 1] of each example."""

    mean: Tensor
    square: Tensor


def batch_moments(inputs: Tensor, weights: Tensor | None = None) -> Moments:
    """Moments of [B, C, N] over batch and time; `weights` [B] is what each example counts, 1 by default."""
    if weights is None:
        return Moments(*(moment.mean(0, keepdim=True) for moment in example_moments(inputs)))
    shares = (weights / weights.sum().clamp_min(1e-9)).to(inputs.dtype).view(-1, 1, 1)
    return Moments(*((shares * moment).sum(0, keepdim=True) for moment in example_moments(inputs)))


def example_moments(inputs: Tensor) -> Moments:
    """Moments of each example of [B, C, N] over time."""
    square = torch.linalg.vecdot(inputs, inputs) / inputs.shape[2]  # no copy of the size of the inputs
    return Moments(inputs.mean(2, keepdim=True), square.unsqueeze(2))


class VirtualBatchNorm(nn.Module):
    """(x - m) / sqrt(v + eps) * gamma + beta, with moments m and E[x^2] taken mostly from a reference batch.

    With R reference examples m = m_new / (R + 1) + R m_reference / (R + 1), and E[x^2] likewise. Statistics are float32
    under mixed precision too.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.empty(channels, 1).normal_(1.0, 0.02))
        self.beta = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, inputs: Tensor, new: Moments, reference: Moments | None, count: Tensor | int) -> Tensor:
        """Normalise [B, C, N].

        Args:
            new: moments of the inputs, of their batch or of each example.
            reference: moments of the reference batch; None normalises with `new` alone.
            count: examples in the reference batch (R).
        """
        mean, square = new
        if reference is not None:
            share = 1.0 / (count + 1)
            mean = share * mean + (1 - share) * reference.mean
            square = share * square + (1 - share) * reference.square
        variance = (square - mean.square()).clamp_min(0.0)
        scale = (variance + self.eps).rsqrt() * self.gamma
        return torch.addcmul(self.beta - mean * scale, inputs, scale)  # one pass over the inputs
