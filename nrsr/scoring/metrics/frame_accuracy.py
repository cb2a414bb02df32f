"""Frame accuracy: the share of frames whose most probable senone is the aligned one."""

import numpy as np

from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import ScoreTable


def measure(reference: np.ndarray, estimate: np.ndarray) -> tuple[int, int]:
    """Frames, and those of them that are right, of two vectors [N]."""
    return len(reference), int(np.count_nonzero(reference == estimate))


def counts(table: ScoreTable) -> Sums:
    """Frames of each utterance, and those that are right."""
    return {
        name: table.summed(table.counts(column)) for name, column in (("frames", "frames"), ("right", "frames_right"))
    }


METRIC = Metric(
    name="frame_accuracy",
    title="frame accuracy",
    better="higher",
    columns=("frames", "frames_right"),
    measure=measure,
    counts=counts,
    value=lambda sums: 100 * ratio(sums["right"], sums["frames"]),
    unit="%",
    meaning="frames with the aligned senone over all",
    base="frames",
    takes="frames",
)
