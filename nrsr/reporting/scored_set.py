"""What score commands write of one scored test set: tables as text, the same for programs as JSON, scores.tsv."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open
from nrsr.reporting.tables import Table
from nrsr.scoring.metric import Metric
from nrsr.scoring.summary import BREAKDOWNS, TOTAL
from nrsr.scoring.table import ScoreTable, write_table


def plain(tables: Sequence[Table]) -> str:
    """Tables as text, a blank line between them."""
    return "\n".join(table.plain() for table in tables)


def flat(summary: Mapping[str, Any], metrics: Sequence[Metric]) -> dict[str, Any]:
    """A summary of `nrsr.scoring.summarise` for JSON: in a row, "wer" is the value and "wer_interval" its interval."""

    def row(scores: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in scores.items() if not isinstance(value, Mapping)}
        for metric in metrics:
            score = scores[metric.name]
            values |= {metric.name: score["value"], f"{metric.name}_interval": score["interval"]}
        return values

    groups = {
        name: {label: row(scores) for label, scores in summary[name].items()} for name in BREAKDOWNS if name in summary
    }
    return {"bootstrap": summary["bootstrap"], TOTAL: row(summary[TOTAL][""]), **groups}


def write_set(out: Path, stem: str, tables: Sequence[Table], content: Mapping[str, Any], table: ScoreTable) -> None:
    """Write <stem>.txt, <stem>.json, and last scores.tsv, by which `nrsr report` sees that the set is scored."""
    with atomic_open(out / f"{stem}.txt") as stream:
        stream.write(plain(tables))
    with atomic_open(out / f"{stem}.json") as stream:
        stream.write(json.dumps(content, indent=1) + "\n")
    write_table(table, out / "scores.tsv")
