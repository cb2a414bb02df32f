"""An exponential mean of the weights, which validations and model.pt have in place of the last step's."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """The mean m of the weights w: m = decay * m + (1 - decay) * w after each step, from the first weights on.

    Buffers, as running statistics, are those of the last step; frozen parameters do not move.

    Args:
        decay: the share of the mean that a step leaves, between 0 and 1.
    """

    def __init__(self, system: nn.Module, decay: float):
        named = {name: parameter for name, parameter in system.named_parameters() if parameter.requires_grad}
        self._names, self._parameters, self._decay = list(named), list(named.values()), decay
        self._means = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Update the means with the weights of a step."""
        torch._foreach_lerp_(self._means, self._parameters, 1.0 - self._decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The system has the mean weights inside the block."""
        with torch.no_grad():
            kept = [parameter.clone() for parameter in self._parameters]
            torch._foreach_copy_(self._parameters, self._means)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parameters, kept)

    def state(self) -> dict[str, Tensor]:
        """The means by the names of their parameters."""
        return dict(zip(self._names, self._means, strict=True))

    def load(self, state: dict[str, Tensor]) -> None:
        """Take means from `state`.

        Raises:
            Exception: of many kinds, where they are those of other parameters.
        """
        if state.keys() != set(self._names):
            raise KeyError("names of other parameters")
        for name, mean in zip(self._names, self._means, strict=True):
            if state[name].shape != mean.shape:
                raise ValueError(f"{name} has the shape {tuple(state[name].shape)}, not {tuple(mean.shape)}")
            mean.copy_(state[name])
