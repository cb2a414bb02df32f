"""Voicing errors: frames that one signal has voiced and the other not."""

import numpy as np

from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import ScoreTable
from nrsr.scoring.voices import analyses


def measure(source: np.ndarray, estimate: np.ndarray, rate: int) -> tuple[int, int]:
    """Frames of 5 ms that differ in voicing, and all frames.

    Raises:
        UndefinedMeasure: the source is constant.
    """
    ours, theirs = (analysis.pitch > 0 for analysis in analyses(source, estimate, rate))
    return int((ours != theirs).sum()), len(ours)


def counts(table: ScoreTable) -> Sums:
    """Errors and frames of each utterance."""
    return {name: table.summed(table.counts(f"vuv_{name}")) for name in ("wrong", "frames")}


METRIC = Metric(
    name="vuv_error",
    title="V/UV error",
    better="lower",
    columns=("vuv_wrong", "vuv_frames"),
    measure=measure,
    counts=counts,
    value=lambda sums: 100 * ratio(sums["wrong"], sums["frames"]),
    unit="%",
    meaning="frames of 5 ms whose voicing by WORLD differs, over all frames",
    takes="waves",
    library="pyworld",
)
