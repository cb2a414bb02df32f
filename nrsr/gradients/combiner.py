"""How the gradients of several losses become one gradient."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from nrsr.errors import NrsrError
from nrsr.gradients.processes import sum_gradients


class GradientError(NrsrError):
    """Losses that a combiner cannot combine, or settings that it does not know."""


def unscaled() -> float:
    """The loss scale without float16: 1."""
    return 1.0


class Combiner(ABC):
    """The slot `gradients`: `backward` for each micro-batch of a step, then `finish` once.

    In a group of processes each process gives its own share of the losses, and after `finish` all hold the gradient of
    the sum over processes.

    Attributes:
        loss_scale: returns the factor on the losses, which float16 needs; may wait for the device.
    """

    loss_scale: Callable[[], float] = staticmethod(unscaled)

    def check(self, losses: Sequence[str]) -> None:
        """Called before training with the names of the losses to come, in their order; takes them all by default.

        Raises:
            GradientError: losses that the combiner does not combine.
        """
        return

    @abstractmethod
    def backward(
        self, losses: Mapping[str, Tensor], shared: Mapping[str, nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        """Accumulate the gradients of one micro-batch.

        Args:
            losses: weighted losses by name, scalars of one forward pass.
            shared: the parameters that the tasks share, by name, all among `parameters`.
            parameters: those that this turn trains; no other `.grad` is touched.

        Returns:
            statistics to log, tensors without dimensions on the device of the losses (reading one waits for it).
        """

    @abstractmethod
    def finish(self, parameters: Sequence[nn.Parameter]) -> dict[str, Tensor]:
        """Write the combined gradient of all micro-batches, and of all processes, to `.grad`.

        Returns:
            statistics to log, as `backward`.
        """


class Sum(Combiner):
    """The plain weighted sum, as in multi-task learning without any remedy."""

    def backward(
        self, losses: Mapping[str, Tensor], shared: Mapping[str, nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        values = list(losses.values())
        total = values[0] if len(values) == 1 else torch.stack(values).sum()
        torch.autograd.backward(total, inputs=list(parameters))
        return {}

    def finish(self, parameters: Sequence[nn.Parameter]) -> dict[str, Tensor]:
        sum_gradients(parameters)
        return {}
