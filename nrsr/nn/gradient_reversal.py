"""Gradient reversal, and schedules of its strength.

Ganin and Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015. The layer sits between the trunk
and a domain head. Around the loss it would reverse the head's own gradient as well, and a head that maximises its
loss ends in NaN. Reversing here and subtracting the loss as well would undo each other: the loss is added.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from nrsr.config import ConfigError


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.factor, None


def scale_gradient(values: Tensor, factor: float) -> Tensor:
    """`values` as they are; their gradient is multiplied by `factor` on its way back.

    A factor of -alpha is gradient reversal, 0 cuts the gradient off.
    """
    return _ScaleGradient.apply(values, factor)


class AlphaSchedule(ABC):
    """The slot `schedule` of a domain head: the share of its alpha to apply."""

    @abstractmethod
    def share(self, fraction: float, epoch: float) -> float:
        """The share, 0 to 1.

        Args:
            fraction: how much of the training is done, 0 to 1.
            epoch: finished epochs, with the part of the current one.
        """


class Constant(AlphaSchedule):
    """All of alpha from the start."""

    def share(self, fraction: float, epoch: float) -> float:
        """1 at all times."""
        return 1.0


class Ramp(AlphaSchedule):
    """A linear rise over so many epochs: min(t / epochs, 1).

    Shinohara, "Adversarial multi-task learning of deep neural networks for robust speech recognition", Interspeech
    2016, with 10 epochs. The rise is continuous within an epoch.
    """

    def __init__(self, epochs: float = 10.0) -> None:
        if not epochs > 0:
            raise ConfigError(f"schedule.epochs: {epochs} is too small; take more than 0, or the class Constant")
        self.epochs = epochs

    def share(self, fraction: float, epoch: float) -> float:
        return min(epoch / self.epochs, 1.0)


class Ganin(AlphaSchedule):
    """2 / (1 + exp(-gamma p)) - 1 for the fraction p of the training that is done; gamma is 10 in the paper."""

    def __init__(self, gamma: float = 10.0) -> None:
        if not gamma > 0:
            raise ConfigError(f"schedule.gamma: {gamma} is too small; take more than 0")
        self.gamma = gamma

    def share(self, fraction: float, epoch: float) -> float:
        return 2.0 / (1.0 + math.exp(-self.gamma * fraction)) - 1.0
