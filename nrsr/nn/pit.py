"""Permutation-invariant SI-SNR: which estimate is which source, and how near it comes."""

from functools import lru_cache
from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from nrsr.nn.si_snr import SILENCE, centred, si_snr

# Up to so many sources every permutation is tried on the device; above, the Hungarian method runs on the host.
EXHAUSTIVE = 3
# Soft limit of SI-SNR in dB: far enough that a measure is right within 1e-3 dB up to 60 dB.
LIMIT = 100.0


def pit_si_snr(estimates: Tensor, sources: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """SI-SNR of each source under the permutation of the estimates with the highest mean.

    A silent source has no SI-SNR: it gets 0, takes no part in the choice (it is left what the others do not take),
    and is told apart in the answer, so that means can leave it out. Gradients pass through the estimates.

    Args:
        estimates, sources: [B, K, T], K from 1 to 5 and more; samples past an utterance's length are not looked at.
        lengths: [B] samples.

    Returns:
        SI-SNR [B, K] in dB; the estimate of each source, int64 [B, K]; whether a source is heard, bool [B, K].

    With more than `EXHAUSTIVE` sources this waits for the device once, otherwise not at all.
    """
    batch, count, size = sources.shape
    rows = lengths.repeat_interleave(count)
    with torch.no_grad():
        heard = audible(sources, lengths)
        pairs = pairwise_si_snr(estimates, sources, lengths).masked_fill(~heard.unsqueeze(2), 0.0)
        order = best_permutation(pairs)
    matched = estimates.gather(1, order.unsqueeze(2).expand(-1, -1, size))
    figures = si_snr(matched.flatten(0, 1), sources.flatten(0, 1), rows, LIMIT).view(batch, count)
    return figures.masked_fill(~heard, 0.0), order, heard


def audible(sources: Tensor, lengths: Tensor) -> Tensor:
    """Which sources [B, K, T] are heard: bool [B, K], False for those that are silent throughout (or a constant)."""
    rows = centred(sources.flatten(0, 1), lengths.repeat_interleave(sources.shape[1]))
    return (rows.square().sum(1) > SILENCE).view(sources.shape[:2])


def pairwise_si_snr(estimates: Tensor, sources: Tensor, lengths: Tensor) -> Tensor:
    """SI-SNR [B, K, K] in dB of every estimate (last axis) against every source, from inner products alone.

    Good for a choice: float32 leaves an error that grows above about 40 dB.
    """
    rows = lengths.repeat_interleave(sources.shape[1])
    estimates, sources = (centred(waves.flatten(0, 1), rows).view(waves.shape) for waves in (estimates, sources))
    # No matrix product: autocast would make it one of half precision, and the error's energy, a small difference of
    # large figures, would be lost above about 20 dB.
    products = (sources.unsqueeze(2) * estimates.unsqueeze(1)).sum(3)
    energies = estimates.square().sum(2).unsqueeze(1) + SILENCE
    wanted = products.square() / (sources.square().sum(2, keepdim=True) + SILENCE)
    least = 10.0 ** (-LIMIT / 10.0) * energies
    return 10.0 * ((wanted + least) / ((energies - wanted).clamp_min(0.0) + least)).log10()


def best_permutation(scores: Tensor) -> Tensor:
    """The column of each row, int64 [B, K], all different, with the highest sum of scores [B, K, K]."""
    count = scores.shape[1]
    if count > EXHAUSTIVE:
        # NaN would stop the assignment; the loss of such estimates is NaN whatever the permutation.
        host = scores.nan_to_num().cpu().numpy()
        columns = [linear_sum_assignment(one, maximize=True)[1].tolist() for one in host]
        return torch.tensor(columns, device=scores.device)
    candidates = torch.tensor(all_permutations(count), device=scores.device)  # [P, K]
    sums = scores[:, torch.arange(count, device=scores.device), candidates].sum(2)
    return candidates[sums.argmax(1)]


@lru_cache
def all_permutations(count: int) -> list[list[int]]:
    return [list(one) for one in permutations(range(count))]
