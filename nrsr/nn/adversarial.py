"""Objectives of adversarial games, from the discriminator's scores; all of them fit any generator."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


class Objective(ABC):
    """The slot `objective` of an adversarial system."""

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Losses [B] of the discriminator for scores [B] of real and of generated examples."""

    @abstractmethod
    def generator(self, fake: Tensor) -> Tensor:
        """Losses [B] of the generator for scores [B] of what it generated."""


class Minimax(Objective):
    """log D(x) + log(1 - D(G(z))) with D the sigmoid of the score (Goodfellow et al. 2014, equation 1).

    Args:
        saturating: the generator minimises log(1 - D(G(z))) as in the equation; else it maximises log D(G(z)), as the
            paper trains it.
    """

    def __init__(self, saturating: bool = False) -> None:
        self.saturating = saturating

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real) + F.softplus(fake)

    def generator(self, fake: Tensor) -> Tensor:
        return -F.softplus(fake) if self.saturating else F.softplus(-fake)


class LeastSquares(Objective):
    """(D(x) - 1)^2 + D(G(z))^2 against (D(G(z)) - 1)^2 (Mao et al. 2017), without the paper's halves."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - 1.0).square() + fake.square()

    def generator(self, fake: Tensor) -> Tensor:
        return (fake - 1.0).square()


class Hinge(Objective):
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))) against -D(G(z)) (Lim & Ye 2017)."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (1.0 - real).relu() + (1.0 + fake).relu()

    def generator(self, fake: Tensor) -> Tensor:
        return -fake


class Wasserstein(Objective):
    """D(G(z)) - D(x) against -D(G(z)) (Arjovsky et al. 2017); the critic wants `gradient_penalty` beside it."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, fake: Tensor) -> Tensor:
        return -fake


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """(|grad D(x)| - 1)^2 [B] at a random point x between each real and generated example (Gulrajani et al. 2017).

    Args:
        critic: examples [B, ...] to scores [B], each of its own example alone.
        real, fake: [B, ...]; no gradient flows into them.
    """
    share = torch.rand((len(real), *(1,) * (real.dim() - 1)), device=real.device, dtype=real.dtype)
    between = torch.lerp(real.detach(), fake.detach(), share).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1.0).square()
