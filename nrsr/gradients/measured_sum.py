"""The plain sum of gradients, with the conflict between the tasks measured."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nrsr.gradients.gramian import GramianCombiner


class MeasuredSum(GramianCombiner):
    """The sum of `Sum`, with the tasks' gradients computed one by one and compared, for any number of tasks.

    Statistics: "conflicts", "angle" and "ratio" (`conflict_statistics`), none of a single task.
    """

    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        return torch.ones_like(gramians[:, 0]), {}
