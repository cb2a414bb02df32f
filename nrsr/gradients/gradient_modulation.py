"""Gradient modulation (Hu et al., "Unifying Speech Enhancement and Separation ...", ICASSP 2023, arXiv 2302.11131)."""

import torch
from torch import Tensor

from nrsr.gradients.two_tasks import TwoTasks, conflict_figures, products


def modulation_shift(aa: Tensor, sa: Tensor) -> Tensor:
    """Factor y of s_mod = s + y * a: -s·a/|a|² in conflict, else 0."""
    conflict = (sa < 0) & (aa > 0)
    return torch.where(conflict, -sa / torch.where(conflict, aa, 1.0), 0.0)


def modulate(s: Tensor, a: Tensor) -> Tensor:
    """Gradient s of one tensor without the part that opposes a; a step uses s_mod + a.

    Args:
        s: gradient of the auxiliary loss (speech enhancement), flat.
        a: gradient of the main loss (separation or recognition), flat.
    """
    return s + modulation_shift(products([a], [a]), products([s], [a])).to(s.dtype) * a


class Modulation(TwoTasks):
    """Gradient modulation on each shared parameter tensor.

    Args:
        main, auxiliary: names of the two losses.

    Figures: "conflicts" and "angle" (`conflict_figures`).
    """

    def weights(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        return torch.ones_like(ss), 1.0 + modulation_shift(aa, sa), conflict_figures(ss, aa, sa)
