"""The small table of a results file: the main values alone, published systems first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from nrsr.reporting.pooled_cells import LACKS, cell, main_condition, rows_of, short, title_of
from nrsr.reporting.published import Published
from nrsr.reporting.tables import Table
from nrsr.scoring.metric import Metric


@dataclass(frozen=True)
class Column:
    """A metric on a set: of the systems themselves, or of those with a tag.

    Attributes:
        published: keys of its values in `Published.values`, the first that is there counts.
    """

    test_set: str
    metric: Metric
    tag: str
    heading: str
    published: list[tuple[str, str]]

    def system(self, row: str) -> str:
        """The system in a row."""
        return f"{row}-{self.tag}" if self.tag else row


def columns_of(sets: Iterable[str], main: Sequence[Metric], tags: Sequence[str]) -> list[Column]:
    """The columns of each tag, set and metric. Published values of a tag are those of `TAG:SET`."""
    columns = []
    for tag, name, metric in product(tags or [""], sets, main):
        heading = f"{tag}: " * bool(tag) + short(name) + f" {metric.title}" * (len(main) > 1)
        keys = [] if tag else [(name, metric.name)]
        if metric is main[0]:
            keys.append((tag, name) if tag else (name, ""))
        columns.append(Column(name, metric, tag, heading, keys))
    return columns


def small_table(
    pooled: Mapping[str, Any], main: Sequence[Metric], published: Sequence[Published], tags: Sequence[str]
) -> Table:
    """Main values of all sets, with notes on how they are pooled and what is missing.

    Args:
        tags: a row for each NAME of the systems NAME-TAG, and columns for each TAG, in place of a row for each system.
    """
    columns = columns_of(pooled["sets"], main, tags)
    rows = []
    for entry in published:
        values = [[entry.values[key] for key in column.published if key in entry.values] for column in columns]
        rows.append([f"published: {entry.system}", *((texts or ["-"])[0] for texts in values)])
    for name in rows_of(pooled["systems"], tags):
        cells, lacks = [], False
        for column in columns:
            system, condition = column.system(name), main_condition(pooled, column.test_set)
            cells.append(cell(pooled["sets"][column.test_set]["systems"].get(system), column.metric, condition))
            lacks = lacks or bool(pooled["systems"].get(system, {}).get("missing"))
        rows.append([name + LACKS * lacks, *cells])
    notes = [f"{metric.title}: {metric.meaning}." for metric in main if metric.meaning]
    if tags:
        notes.append("The column TAG: SET of the row NAME is the system NAME-TAG on this set.")
    notes += _remarks(pooled, published)
    return Table(title_of(main), ["system", *(column.heading for column in columns)], rows, notes)


def _remarks(pooled: Mapping[str, Any], published: Sequence[Published]) -> list[str]:
    """How seeds, folds and SNRs are pooled, and what is missing."""
    notes = []
    if any(len(entry["seeds"]) > 1 or len(entry["folds"]) > 1 for entry in pooled["systems"].values()):
        notes.append("Seeds and folds are pooled: what is counted in all runs of a system is added up.")
    notes += _uneven_folds(pooled)
    primaries = {name: summary["primary"] for name, summary in pooled["sets"].items() if summary["primary"]}
    for snrs in dict.fromkeys(map(tuple, primaries.values())):
        sets = ", ".join(short(name) for name, primary in primaries.items() if tuple(primary) == snrs)
        notes.append(f"{sets}: mean of {', '.join(snrs)} dB, each of these SNRs counting alike.")
    for system, entry in pooled["systems"].items():
        if entry["missing"]:
            notes.append(f"{system}{LACKS} lacks runs that other systems have: {'; '.join(entry['missing'])}.")
    for name in pooled["sets"]:
        if main_condition(pooled, name) is None:
            notes.append(f"{name} has no primary figure: it has the SNRs {', '.join(pooled['sets'][name]['snrs'])} dB.")
    notes += [f"{name} was scored for no system." for name in pooled["sets_not_scored"]]
    notes += pooled.get("lag_notes", [])
    for source, systems in _sources(published).items():
        notes.append(f"Published ({', '.join(systems)}): {source}.")
    return notes


def _uneven_folds(pooled: Mapping[str, Any]) -> list[str]:
    """A line on systems whose folds have unequal numbers of runs, by which the folds are weighted."""
    systems: dict[str, list[str]] = {}  # numbers of runs -> systems
    for summary in pooled["sets"].values():
        for system, runs in summary["runs"].items():
            if len(set(runs.values())) > 1:
                amounts = ", ".join(f"fold {fold} has {number}" for fold, number in runs.items())
                systems.setdefault(amounts, []).append(system)
    uneven = [f"{amounts} ({', '.join(dict.fromkeys(names))})" for amounts, names in systems.items()]
    return [f"All runs count alike, so that folds with more runs weigh more: {'; '.join(uneven)}."] if uneven else []


def _sources(published: Sequence[Published]) -> dict[str, list[str]]:
    by_source: dict[str, list[str]] = {}
    for entry in published:
        by_source.setdefault(entry.source, []).append(entry.system)
    return by_source
