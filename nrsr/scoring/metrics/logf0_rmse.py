"""Root of the mean squared difference of ln F0, over frames that both signals have voiced."""

import numpy as np

from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import ScoreTable
from nrsr.scoring.voices import analyses


def measure(source: np.ndarray, estimate: np.ndarray, rate: int) -> tuple[float, int]:
    """Sum of squared differences, and frames of 5 ms that are voiced in both.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    ours, theirs = (analysis.pitch for analysis in analyses(source, estimate, rate))
    voiced = (ours > 0) & (theirs > 0)
    return float(np.square(np.log(ours[voiced] / theirs[voiced])).sum()), int(voiced.sum())


def counts(table: ScoreTable) -> Sums:
    """Squares and frames of each utterance."""
    return {
        "squares": table.summed(table.numbers("logf0_squares")),
        "frames": table.summed(table.counts("logf0_frames")),
    }


METRIC = Metric(
    name="logf0_rmse",
    title="log-F0 RMSE",
    better="lower",
    columns=("logf0_squares", "logf0_frames"),
    measure=measure,
    counts=counts,
    value=lambda sums: np.sqrt(ratio(sums["squares"], sums["frames"])),
    digits=3,
    meaning="of ln F0 by WORLD every 5 ms, over all frames that are voiced in both signals",
    takes="waves",
    library="pyworld",
)
