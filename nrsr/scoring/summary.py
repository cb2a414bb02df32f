"""The values of one scored test set: in all, and by speaker, noise and SNR, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.scoring.bootstrap import DRAWS, SEED, interval, resampled_group_sums
from nrsr.scoring.labels import ORIGINAL, ScoringError, drawn_together, group_by
from nrsr.scoring.metric import Metric
from nrsr.scoring.table import UNKNOWN, ScoreTable

TOTAL = "total"
BREAKDOWNS = {"speaker": "spk", "noise": "noise", "snr": "snr"}  # name of the breakdown -> column of its labels


def summarise(
    table: ScoreTable,
    metrics: Sequence[Metric],
    tallies: Mapping[str, np.ndarray] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    *,
    speakers: bool = False,
) -> dict[str, Any]:
    """Values of each metric for all utterances and for those of each label.

    Args:
        speakers: draw speakers for the intervals, with all their utterances, in place of utterances.
        tallies: whole numbers of each utterance [U] that are added up beside the metrics, by name.

    Returns:
        "bootstrap": what was drawn; TOTAL and the breakdowns that the table has labels for -> label ("" in all) -> row.
        A row has "utterances", each tally, and for each metric {"value" (None where it is undefined), "interval",
        "utterances" that have a value}.
    """
    tallies = tallies or {}
    groups = {TOTAL: ([""], np.zeros(len(table.utterances), dtype=np.int64))}
    groups |= {name: group_by(label, table.label(label)) for name, label in BREAKDOWNS.items() if table.has(label)}
    counts = {metric.name: metric.counts(table) for metric in metrics}
    known = {name: ~np.isnan(np.stack(list(addends.values()))).any(axis=0) for name, addends in counts.items()}
    columns = [np.where(known[name], values, 0.0) for name, addends in counts.items() for values in addends.values()]
    values, units = np.stack(columns, axis=1), drawn_units(table, speakers)
    sums = resampled_group_sums(values, units, [numbers for _, numbers in groups.values()], draws, seed)
    utterances = "groups of utt2uniq" if table.has(ORIGINAL) else "utterances"
    over = ["speakers" if speakers else utterances, "noise recordings"][: len(units)]
    summary: dict[str, Any] = {"bootstrap": {"over": over, "draws": draws, "seed": seed}}
    for (name, (labels, numbers)), drawn in zip(groups.items(), sums, strict=True):
        observed = np.stack([np.bincount(numbers, column, len(labels)) for column in columns], axis=-1)
        rows: list[dict[str, Any]] = [{"utterances": int(count)} for count in np.bincount(numbers)]
        for tally, amounts in tallies.items():
            for row, total in zip(rows, np.bincount(numbers, amounts, len(labels)), strict=True):
                row[tally] = int(total)
        places = iter(range(len(columns)))
        for metric in metrics:
            place_of = {count: next(places) for count in counts[metric.name]}
            pooled = metric.value({count: observed[:, place] for count, place in place_of.items()})
            samples = metric.value({count: drawn[..., place] for count, place in place_of.items()})
            having = np.bincount(numbers, known[metric.name], len(labels))
            for number, row in enumerate(rows):
                row[metric.name] = {
                    "value": None if np.isnan(pooled[number]) else float(pooled[number]),
                    "interval": None if np.isnan(pooled[number]) else interval(samples[:, number]),
                    "utterances": int(having[number]),
                }
        summary[name] = dict(zip(labels, rows, strict=True))
    return summary


def drawn_units(table: ScoreTable, speakers: bool = False) -> list[np.ndarray]:
    """What a bootstrap draws: utterances, those of one original together, or speakers; and known noise recordings.

    Raises:
        ScoringError: speakers of utterances that have none.
    """
    drawn = drawn_together(table.utterances, table.label(ORIGINAL))
    if speakers:
        drawn = table.label("spk")
        if (drawn == UNKNOWN).any():
            raise ScoringError("intervals over speakers: utterances without a speaker; give the data directory")
    noises = table.label("noisefile")
    return [drawn, noises] if (noises != UNKNOWN).any() else [drawn]
