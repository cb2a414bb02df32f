"""How the gradients of several losses become one gradient."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Combiner(ABC):
    """The slot `gradients`. The loop calls it once per micro-batch; it adds to `.grad`, as `backward` does."""

    @abstractmethod
    def backward(
        self, losses: dict[str, Tensor], shared: Sequence[nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        """Add the combined gradient of `losses` to the `.grad` of `parameters`.

        Args:
            losses: weighted losses by name, scalars of one forward pass.
            shared: the parameters where the tasks meet, all among `parameters`.
            parameters: those that this turn trains; no other `.grad` is touched.

        Returns:
            figures to log, tensors without dimensions on the device of the losses (reading them is the caller's wait).
        """


class Sum(Combiner):
    """The plain weighted sum: what multi-task learning does without any remedy."""

    def backward(
        self, losses: dict[str, Tensor], shared: Sequence[nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        torch.autograd.backward(torch.stack(list(losses.values())).sum(), inputs=list(parameters))
        return {}
