"""The plain sum of gradients, with the conflict between the tasks measured."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nrsr.gradients.gramian import GramianCombiner


class MeasuredSum(GramianCombiner):
    """What `Sum` does, at the price of taking the tasks' gradients apart, for any number of tasks.

    Figures: "conflicts", "angle" and "ratio" (`conflict_figures`).
    """

    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        return torch.ones_like(gramians[:, 0]), {}
