"""Permutation-invariant SI-SNR: which estimate is which source, and how near it comes."""

from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

from nrsr.nn.si_snr import TINY, levelled, levelled_si_snr

# Up to so many sources every permutation is tried on the device; above, the Hungarian method runs on the host.
EXHAUSTIVE = 3
# Soft limit of SI-SNR in dB: far enough that a measure is right within 1e-3 dB up to 60 dB.
LIMIT = 100.0


def pit_si_snr(estimates: Tensor, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """SI-SNR of each source under the permutation of the estimates with the highest mean.

    A silent source (see `nrsr.nn.si_snr.levelled`) has no SI-SNR: it gets 0, takes no part in the choice (it is left
    what the others do not take), and is marked in the result, so that means can leave it out. Gradients pass
    through the estimates. The level of a signal changes nothing.

    Args:
        estimates, sources: [B, K, T], K from 1 to 5 and more; samples past an utterance's length are not looked at.
        lengths: [B] samples.

    Returns:
        SI-SNR [B, K] in dB; the estimate of each source, int64 [B, K]; whether a source is active, bool [B, K].

    With more than `EXHAUSTIVE` sources this waits for the device once, otherwise not at all.
    """
    estimates, _ = levelled_sources(estimates, lengths)
    sources, silent = levelled_sources(sources, lengths)
    with torch.no_grad():
        order = best_permutation(levelled_pairs(estimates, sources).masked_fill(silent.unsqueeze(2), 0.0))
    matched = estimates.gather(1, order.unsqueeze(2).expand_as(estimates))
    values = levelled_si_snr(matched.flatten(0, 1), sources.flatten(0, 1), LIMIT).view(silent.shape)
    return values.masked_fill(silent, 0.0), order, ~silent


def levelled_sources(waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Waves [B, K, T] with lengths [B] as `levelled` makes them, and which are silent, bool [B, K]."""
    rows, silent = levelled(waves.flatten(0, 1), lengths.repeat_interleave(waves.shape[1]))
    return rows.view(waves.shape), silent.view(waves.shape[:2])


def audible(sources: Tensor, lengths: Tensor) -> Tensor:
    """Which sources [B, K, T] are active: bool [B, K], False for those that are silent throughout (or a constant)."""
    return ~levelled_sources(sources, lengths)[1]


def pairwise_si_snr(estimates: Tensor, sources: Tensor, lengths: Tensor) -> Tensor:
    """SI-SNR [B, K, K] in dB of every estimate (last axis) against every source, from inner products alone.

    Good for a choice: float32 leaves an error that grows above about 40 dB.
    """
    return levelled_pairs(levelled_sources(estimates, lengths)[0], levelled_sources(sources, lengths)[0])


def levelled_pairs(estimates: Tensor, sources: Tensor) -> Tensor:
    """As `pairwise_si_snr`, of what `levelled_sources` makes of the signals."""
    # No matrix product: autocast would make it one of half precision, and the error's energy, a small difference of
    # large numbers, would be lost above about 20 dB.
    products = (sources.unsqueeze(2) * estimates.unsqueeze(1)).sum(3)
    energies = estimates.square().sum(2).unsqueeze(1) + TINY
    wanted = products.square() / (sources.square().sum(2, keepdim=True) + TINY)
    least = 10.0 ** (-LIMIT / 10.0) * energies
    return 10.0 * ((wanted + least) / ((energies - wanted).clamp_min(0.0) + least)).log10()


def best_permutation(scores: Tensor) -> Tensor:
    """The column of each row, int64 [B, K], all different, with the highest sum of scores [B, K, K]."""
    count = scores.shape[1]
    if count > EXHAUSTIVE:
        from scipy.optimize import linear_sum_assignment  # here, since every command would wait half a second for it

        # NaN would stop the assignment; the loss of such estimates is NaN whatever the permutation.
        host = scores.nan_to_num().cpu().numpy()
        columns = [linear_sum_assignment(matrix, maximize=True)[1].tolist() for matrix in host]
        return torch.tensor(columns, device=scores.device)
    candidates = torch.tensor(all_permutations(count), device=scores.device)  # [P, K]
    sums = scores[:, torch.arange(count, device=scores.device), candidates].sum(2)
    return candidates[sums.argmax(1)]


@lru_cache
def all_permutations(count: int) -> list[list[int]]:
    """The permutations of 0 to count - 1, the identity first."""
    return [list(order) for order in permutations(range(count))]
