"""How well the speakers of one mixture are separated: each metric of the estimates, and of the mixture beside it.

Estimates are put in the order with the highest mean SI-SNR, and all metrics are taken in that order; improvement is
against the noisy mixture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from nrsr.scoring.improvement import compare
from nrsr.scoring.metric import IMPROVEMENT, Metric
from nrsr.scoring.metrics.si_snr import si_snr
from nrsr.signal.activity import is_silent


@dataclass(frozen=True)
class SourceScores:
    """One mixture.

    Attributes:
        order: which estimate (from 0) is taken for each source.
        values: metric -> [K], and the improvement of it, as "si_snr_i"; NaN where it is undefined.
        before: metric -> [K], of the mixture itself.
        silent_sources, silent_estimates: their numbers from 0.
        failed: metrics that are undefined for some source that is active, and why.
    """

    order: list[int]
    values: dict[str, np.ndarray]
    before: dict[str, np.ndarray]
    silent_sources: list[int]
    silent_estimates: list[int]
    failed: dict[str, str] = field(default_factory=dict)


def score_mixture(
    mixture: np.ndarray,
    sources: np.ndarray,
    estimates: np.ndarray,
    rate: int,
    metrics: Sequence[Metric],
    before: Mapping[str, np.ndarray] | None = None,
) -> SourceScores:
    """Score the estimates of the speakers of a mixture.

    Args:
        mixture: [T], the input, against which improvement counts.
        sources, estimates: [K, T].
        rate: samples a second.
        before: metric -> [K] of the mixture, NaN where it is not known yet.

    A silent source, one that is constant, has no scores (NaN) and takes no part in the choice of the order. A silent
    estimate of a source that is active has the lowest dB.
    """
    active = np.array([not is_silent(source) for source in sources])
    pairs = np.array([[si_snr(source, estimate) if is_active else 0.0 for estimate in estimates]
                      for source, is_active in zip(sources, active, strict=True)])  # fmt: skip
    order = linear_sum_assignment(pairs, maximize=True)[1].tolist()
    ordered = estimates[order]
    names = [metric.name for metric in metrics]
    values = {name: np.full(len(sources), np.nan) for metric in names for name in (metric, metric + IMPROVEMENT)}
    first = {name: np.array((before or {}).get(name, values[name])) for name in names}
    failed: dict[str, str] = {}
    for number in np.flatnonzero(active):
        known = {name: first[name][number] for name in names}
        comparison = compare(metrics, sources[number], ordered[number], mixture, rate, known)
        failed |= {name: f"source {number + 1}: {reason}" for name, reason in comparison.failed.items()}
        for name, value in comparison.values.items():
            values[name][number] = value
        for name, value in comparison.before.items():
            first[name][number] = value
    silent = [number for number, estimate in enumerate(ordered) if active[number] and is_silent(estimate)]
    return SourceScores(order, values, first, np.flatnonzero(~active).tolist(), silent, failed)
