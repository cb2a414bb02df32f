"""Gradient remedy (Hu et al., "Gradient Remedy for Multi-Task Learning ...", ICASSP 2023, arXiv 2302.11362)."""

import torch
from torch import Tensor

from nrsr.gradients.two_tasks import TwoTasks, conflict_figures, products

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
    x, y, z, _, _ = remedy_factors(products([s], [s]), products([a], [a]), products([s], [a]), k)
    x, y, z = (factor.to(s.dtype) for factor in (x, y, z))
    return x * s + y * a, z * a


class Remedy(TwoTasks):
    """Gradient remedy on each shared parameter tensor.

    Args:
        k: threshold of the rescale.
        floor: smallest cosine that a rescale divides by; 0, the published form, lets it grow without bound as the
            cosine nears 0.
        main, auxiliary: names of the two losses.

    Figures: "conflicts", "angle" (`conflict_figures`), "rescaled" (share of tensors) and "steep" (share rescaled with
    a cosine below 0.1, on which a floor of 0.1 would act).
    """

    def __init__(self, k: float = 5.0, floor: float = 0.0, main: str = "asr", auxiliary: str = "se") -> None:
        super().__init__(main, auxiliary)
        self.k, self.floor = k, floor

    def weights(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        x, y, z, cosine, rescaled = remedy_factors(ss, aa, sa, self.k, self.floor)
        steep = rescaled & (cosine < STEEP)
        figures = {"rescaled": rescaled.double().mean(), "steep": steep.double().mean()}
        return x, y + z, conflict_figures(ss, aa, sa) | figures
