"""The tables of one scored test set, which score commands print and write, whatever the metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.reporting.tables import Table, with_interval
from nrsr.scoring.metric import Metric
from nrsr.scoring.summary import TOTAL

BREAKDOWNS = {"noise": "noise", "snr": "SNR in dB", "speaker": "speaker"}


def set_tables(
    summary: Mapping[str, Any], metrics: Sequence[Metric], tallies: Mapping[str, str], *, speakers: bool = False
) -> list[Table]:
    """One table in all and one for each breakdown that the data directory allows.

    Args:
        summary: of `nrsr.scoring.summarise`.
        tallies: name of a tally in the summary -> heading of its column.
        speakers: include the table by speaker.
    """
    bootstrap = summary["bootstrap"]
    note = (
        f"{', '.join(metric.heading for metric in metrics)}; [95 % interval] by bootstrap over "
        f"{' and '.join(bootstrap['over'])} ({bootstrap['draws']} draws)"
    )
    tables = [_table("set", {"all": summary[TOTAL][""]}, metrics, tallies, (note,))]
    for key, name in BREAKDOWNS.items():
        if key in summary and (speakers or key != "speaker"):
            tables.append(_table(name, summary[key], metrics, tallies))
    return tables


def over_speakers_table(summary: Mapping[str, Any], metrics: Sequence[Metric]) -> Table:
    """Values in all, with the intervals of a bootstrap over speakers.

    Args:
        summary: of `nrsr.scoring.summarise` with `speakers`.
    """
    drawn = " and ".join(summary["bootstrap"]["over"])
    rows = [["all", *_cells(summary[TOTAL][""], metrics)]]
    return Table("", ["set", *(metric.title for metric in metrics)], rows, (f"the same by bootstrap over {drawn}",))


def confusion_table(matrix: np.ndarray, classes: Sequence[str]) -> Table:
    """Utterances of each class (rows) that are classified as each (columns), and how many of each are right."""
    rows = []
    for kind, counts in zip(classes, matrix.tolist(), strict=True):
        right = counts[classes.index(kind)] / sum(counts) if sum(counts) else None
        rows.append([kind, *map(str, counts), "-" if right is None else f"{100 * right:.1f} %"])
    return Table("", ["label", *classes, "right"], rows, ("columns: what utterances are classified as",))


def _table(
    name: str, rows: Mapping[str, Mapping[str, Any]], metrics: Sequence[Metric], tallies: Mapping[str, str], notes=()
) -> Table:
    header = [name, "utterances", *tallies.values(), *(metric.title for metric in metrics)]
    lines = [
        [label, str(row["utterances"]), *(str(row[tally]) for tally in tallies), *_cells(row, metrics)]
        for label, row in rows.items()
    ]
    return Table("", header, lines, notes)


def _cells(row: Mapping[str, Any], metrics: Sequence[Metric]) -> list[str]:
    return [
        with_interval(row[metric.name]["value"], row[metric.name]["interval"], f".{metric.digits}f")
        for metric in metrics
    ]


def comparison_table(differences: Mapping[str, Mapping[str, Any]], metrics: Sequence[Metric], versus: str) -> Table:
    """A paired comparison of `nrsr.scoring.compare_tables` with the outputs at the path `versus`, a row per metric."""
    sides = {metric.name: "below 0" if metric.better == "lower" else "above 0" for metric in metrics}
    mixed = len(set(sides.values())) > 1
    rows = []
    for metric in metrics:
        difference = differences[metric.name]
        relative, better = difference["relative"], difference["probability_of_improvement"]
        rows.append(
            [
                metric.title,
                with_interval(difference["difference"], difference["interval"], f"+.{metric.digits}f"),
                *([sides[metric.name]] if mixed else []),
                "undefined"
                if difference["versus_value"] is None
                else f"{difference['versus_value']:.{metric.digits}f}",
                "-" if metric.unit != "%" else "undefined" if relative is None else f"{relative:+.1f} %",
                "undefined" if better is None else f"{better:.3f}",
            ]
        )
    columns = ["difference", *(["better"] if mixed else []), "of the other", "relative", "probability of improvement"]
    title = f"paired with {versus}" + ("" if mixed else f" ({sides[metrics[0].name]}: better than it)")
    return Table(title, ["paired difference", *columns], rows)
