"""From the measured values of utterances to the scores table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.scoring.labels import LABEL_FILES
from nrsr.scoring.metric import Metric, UndefinedMeasure
from nrsr.scoring.table import UNKNOWN, ScoreTable

Row = list[float | str | None]


def measure_row(metrics: Sequence[Metric], *pair: Any) -> Row:
    """The values of all columns for one utterance; None for those of a metric that is undefined for it.

    Args:
        pair: what the metrics' `measure` takes.
    """
    row: Row = []
    for metric in metrics:
        try:
            row.extend(metric.measure(*pair))
        except UndefinedMeasure:
            row.extend([None] * len(metric.columns))
    return row


def table_of_rows(
    ids: Sequence[str], labels: Mapping[str, Mapping[str, str]], metrics: Sequence[Metric], rows: Sequence[Row]
) -> ScoreTable:
    """The table of `measure_row` of each utterance, in their order.

    Args:
        labels: of `read_labels`.
    """
    columns = {"utt": np.array(ids, dtype=str)}
    for label in LABEL_FILES:
        columns[label] = np.array([labels.get(label, {}).get(name, UNKNOWN) for name in ids], dtype=str)
    names = [column for metric in metrics for column in metric.columns]
    columns.update(zip(names, map(_column, zip(*rows, strict=True)), strict=True))
    return ScoreTable(columns)


def _column(values: Sequence[float | str | None]) -> np.ndarray:
    known = np.array([value for value in values if value is not None])
    if len(known) == len(values):
        return known
    if known.dtype.kind == "f":
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    # Text and counts: as floats, counts would be written with digits behind the point, and no count is read from those.
    return np.array([UNKNOWN if value is None else value for value in values], dtype=str)
