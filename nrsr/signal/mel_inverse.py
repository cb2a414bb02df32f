"""Magnitude spectra from sums under mel filters."""

from torch import Tensor

SMALLEST = 1e-12


def spectra_under(sums: Tensor, bank: Tensor, iterations: int = 30) -> Tensor:
    """Magnitudes [..., F] of at least 0 whose sums under the filters [F, M] come near to `sums` [..., M].

    Least squares over magnitudes that are not negative, by multiplicative updates (Lee & Seung, NIPS 2000), from the
    filters' own shapes on; bins that no filter has are 0.
    """
    target, gram = sums @ bank.T, bank @ bank.T
    magnitudes = target
    for _ in range(iterations):
        magnitudes = magnitudes * target / (magnitudes @ gram).clamp_min(SMALLEST)
    return magnitudes
