"""How much better an estimate is than the unprocessed signal, by each metric of signals."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nrsr.scoring.metric import IMPROVEMENT, Metric, UndefinedMeasure


@dataclass(frozen=True)
class Comparison:
    """One estimate beside the unprocessed signal.

    Attributes:
        values: metric -> of the estimate, and the improvement of it, as "si_snr_i"; NaN where either is undefined.
        before: metric -> of the unprocessed signal; NaN where it is undefined.
        failed: metrics that are undefined, and why.
        seconds: metric -> CPU time; what several metrics share counts with the first of them.
    """

    values: dict[str, float] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def compare(
    metrics: Sequence[Metric],
    source: np.ndarray | None,
    estimate: np.ndarray,
    unprocessed: np.ndarray,
    rate: int,
    known: Mapping[str, float],
) -> Comparison:
    """Measure an estimate, and the unprocessed signal by those metrics that are not known of it.

    Args:
        source: [T]; None for metrics that need no reference.
        estimate, unprocessed: [T].
        known: metric -> value of the unprocessed signal, NaN where it is not known.
    """
    comparison = Comparison()
    unknown = [metric for metric in metrics if np.isnan(known.get(metric.name, np.nan))]
    comparison.before.update(known)
    # One signal after the other, so that what metrics share is measured once.
    if np.array_equal(estimate, unprocessed):
        comparison.before.update(_measure(unknown, source, unprocessed, rate, comparison))
        after = comparison.before
    else:
        after = _measure(metrics, source, estimate, rate, comparison)
        comparison.before.update(_measure(unknown, source, unprocessed, rate, comparison))
    for metric in metrics:
        difference = after[metric.name] - comparison.before[metric.name]
        # A value counts where its improvement does, so that all systems are scored on the same signals.
        comparison.values[metric.name] = np.nan if np.isnan(difference) else after[metric.name]
        comparison.values[metric.name + IMPROVEMENT] = difference
    return comparison


def _measure(
    metrics: Sequence[Metric], source: np.ndarray | None, signal: np.ndarray, rate: int, comparison: Comparison
) -> dict[str, float]:
    """Metric -> value, NaN where it is undefined; reasons and times go to `comparison`."""
    values = {}
    for metric in metrics:
        start = time.process_time()
        try:
            values[metric.name] = float(metric.measure(source, signal, rate)[0])
        except UndefinedMeasure as error:
            values[metric.name] = np.nan
            comparison.failed[metric.name] = str(error)
        comparison.seconds[metric.name] = comparison.seconds.get(metric.name, 0.0) + time.process_time() - start
    return values
