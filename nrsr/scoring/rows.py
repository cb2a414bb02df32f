"""From pairs of a reference and what a system has put out to the scores table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.scoring.labels import LABEL_FILES
from nrsr.scoring.metric import Metric, UndefinedMeasure
from nrsr.scoring.table import UNKNOWN, ScoreTable


def score_rows(
    utterances: Sequence[str],
    labels: Mapping[str, Mapping[str, str]],
    metrics: Sequence[Metric],
    pair_of: Callable[[str], tuple],
) -> ScoreTable:
    """Measure each utterance, in the C order of the ids; what a metric is undefined for has no number.

    Args:
        labels: of `read_labels`.
        pair_of: utterance -> what the metrics' `measure` takes.
    """
    ids = sorted(utterances)
    columns = {"utt": np.array(ids, dtype=str)}
    for label in LABEL_FILES:
        columns[label] = np.array([labels.get(label, {}).get(name, UNKNOWN) for name in ids], dtype=str)
    rows: list[list[Any]] = []
    for name in ids:
        pair = pair_of(name)
        rows.append([value for metric in metrics for value in _measured(metric, pair)])
    names = [column for metric in metrics for column in metric.columns]
    columns.update(zip(names, map(_column, zip(*rows, strict=True)), strict=True))
    return ScoreTable(columns)


def _measured(metric: Metric, pair: tuple) -> Sequence[float | str | None]:
    try:
        return metric.measure(*pair)
    except UndefinedMeasure:
        return (None,) * len(metric.columns)


def _column(values: Sequence[float | str | None]) -> np.ndarray:
    if any(isinstance(value, str) for value in values):
        return np.array([UNKNOWN if value is None else value for value in values], dtype=str)
    if None in values:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values)
