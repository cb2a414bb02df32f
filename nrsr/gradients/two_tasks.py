"""What gradient remedy and modulation share: a main and an auxiliary loss, the gradient of the latter bent."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from nrsr.gradients.combiner import GradientError
from nrsr.gradients.gramian import GramianCombiner


class TwoTasks(GramianCombiner):
    """Combines the gradients s of an auxiliary loss and a of the main one as x * s + y * a.

    Args:
        main, auxiliary: names of the two losses; the main one leads.
        granularity, per: as in `GramianCombiner`.
    """

    def __init__(
        self, main: str = "asr", auxiliary: str = "se", granularity: str = "tensor", per: str = "micro-batch"
    ) -> None:
        super().__init__(granularity, per)
        self.main, self.auxiliary = main, auxiliary

    @abstractmethod
    def factors(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Factors x of s and y of a from s·s, a·a and s·a of each group, float64 [groups], and statistics to log."""

    def check(self, losses: Sequence[str]) -> None:
        if set(losses) != {self.main, self.auxiliary}:
            raise GradientError(
                f"gradients: {type(self).__name__} combines the losses {self.main} and {self.auxiliary}, loss_weights "
                f"has {', '.join(losses)}; name both there, or set gradients.main and gradients.auxiliary"
            )

    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        self.check(tasks)
        s, a = tasks.index(self.auxiliary), tasks.index(self.main)
        x, y, statistics = self.factors(gramians[:, s, s], gramians[:, a, a], gramians[:, s, a])
        return torch.stack([x, y] if s == 0 else [y, x], dim=1), statistics


def mean_angle(cosines: Tensor) -> Tensor:
    """Mean angle in degrees."""
    return torch.rad2deg(cosines.clamp(-1.0, 1.0).acos()).mean()
