"""Gradient remedy (Hu et al., "Gradient Remedy for Multi-Task Learning ...", ICASSP 2023, arXiv 2302.11362)."""

import torch
from torch import Tensor

from nrsr.gradients.combiner import GradientError
from nrsr.gradients.gramian import inner_products
from nrsr.gradients.two_tasks import TwoTasks, mean_angle

# A rescale whose cosine is below this makes the main gradient more than ten times longer: counted as "steep".
STEEP = 0.1


def remedy_factors(
    ss: Tensor, aa: Tensor, sa: Tensor, k: float, floor: float = 0.0
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The remedy as factors, from inner products: s* = x * s + y * a and a* = z * a.

    In conflict, s' = s⊥ + (|s⊥| / tan θ) a/|a| with tan θ = |s|/|a|, that is s' = s + (|s⊥|/|s| - s·a/|a|²) a.
    If |s'| > k |a| and cos θ' = cos(s', a) is not 0, then s* = s' cos θ' and a* = a / cos θ'.
    Zero gradients give factors of 1 and 0, never NaN.

    Args:
        ss, aa, sa: s·s, a·a and s·a of each tensor, float64.
        floor: smallest cos θ' that a rescale uses; 0 is the published form.

    Returns:
        x, y, z, cos θ', and whether the tensor was rescaled.
    """
    conflict = (sa < 0) & (ss > 0) & (aa > 0)
    safe_ss, safe_aa = torch.where(conflict, ss, 1.0), torch.where(conflict, aa, 1.0)
    # |s⊥| / |s|, the sine of the angle between s and a
    sine = (1.0 - sa.square() / (safe_ss * safe_aa)).clamp_min(0.0).sqrt()
    shift = torch.where(conflict, sine - sa / safe_aa, 0.0)
    length = torch.where(conflict, sine * (ss + aa).sqrt(), ss.sqrt())
    dot = torch.where(conflict, sine * aa, sa)
    norms = length * aa.sqrt()
    cosine = torch.where(norms > 0, dot / norms, 0.0).clamp_max(1.0)
    rescaled = (length > k * aa.sqrt()) & (cosine > 0)
    factor = torch.where(rescaled, cosine.clamp_min(floor), 1.0)
    return factor, factor * shift, 1.0 / factor, cosine, rescaled


def remedy(s: Tensor, a: Tensor, k: float = 5.0) -> tuple[Tensor, Tensor]:
    """Remedied gradients (s*, a*) of one tensor; a step uses their sum.

    Args:
        s: gradient of the weighted auxiliary loss (speech enhancement), flat.
        a: gradient of the weighted main loss (recognition), flat.
        k: threshold of the rescale on |s'| / |a|.
    """
    gramian = inner_products([[s], [a]])[0]
    x, y, z, _, _ = remedy_factors(gramian[0, 0], gramian[1, 1], gramian[0, 1], k)
    x, y, z = (factor.to(s.dtype) for factor in (x, y, z))
    return x * s + y * a, z * a


class Remedy(TwoTasks):
    """Gradient remedy on each group of shared parameters.

    Args:
        k: threshold of the rescale.
        floor: smallest cosine that a rescale divides by; 0, the published form, lets it grow without bound as the
            cosine nears 0.
        main, auxiliary, granularity, per: as in `TwoTasks`; each tensor by itself, in each micro-batch, is as
            published.

    Statistics: those of `conflict_statistics`, "angle_after" (mean angle between s* and a*, in degrees), "rescaled"
    (share of groups) and "steep" (share rescaled with a cosine below 0.1, on which a floor of 0.1 would act).
    """

    def __init__(
        self,
        k: float = 5.0,
        floor: float = 0.0,
        main: str = "asr",
        auxiliary: str = "se",
        granularity: str = "tensor",
        per: str = "micro-batch",
    ) -> None:
        super().__init__(main, auxiliary, granularity, per)
        if k <= 0 or not 0 <= floor <= 1:
            raise GradientError(f"gradients: k {k:g} must be above 0, and floor {floor:g} between 0 and 1")
        self.k, self.floor = k, floor

    def factors(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        x, y, z, cosine, rescaled = remedy_factors(ss, aa, sa, self.k, self.floor)
        steep = rescaled & (cosine < STEEP)
        statistics = {
            "angle_after": mean_angle(cosine),
            "rescaled": rescaled.double().mean(),
            "steep": steep.double().mean(),
        }
        return x, y + z, statistics
