"""Gradient modulation (Hu et al., "Unifying Speech Enhancement and Separation ...", ICASSP 2023, arXiv 2302.11131)."""

import torch
from torch import Tensor

from nrsr.gradients.gramian import inner_products
from nrsr.gradients.two_tasks import TwoTasks, mean_angle


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
    gramian = inner_products([[s], [a]])[0]
    return s + modulation_shift(gramian[1, 1], gramian[0, 1]).to(s.dtype) * a


class Modulation(TwoTasks):
    """Gradient modulation on each group of shared parameters.

    Args:
        main, auxiliary, granularity, per: as in `TwoTasks`.

    Statistics: those of `conflict_statistics`, and "angle_after" (mean angle between s_mod and a, in degrees).
    """

    def factors(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        norms = (ss * aa).sqrt()
        # What remains of a conflict is at a right angle.
        after = torch.where(norms > 0, sa.clamp_min(0.0) / norms, 0.0)
        return torch.ones_like(ss), 1.0 + modulation_shift(aa, sa), {"angle_after": mean_angle(after)}
