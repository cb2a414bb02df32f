"""Labels beside those that a classifier gave: what is counted of each class, and rates of these counts."""

from collections.abc import Mapping

import numpy as np

from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import UNKNOWN, ScoreTable

LABEL, CLASSIFIED = COLUMNS = ("label", "classified")
RIGHT, OF, AS = "right", "of", "as"  # utterances of a class that are classified right, of a class, classified as one


def measure(reference: str, hypothesis: str) -> tuple[str, str]:
    """The label of an utterance, and the one that it was given."""
    return reference, hypothesis


def counts(table: ScoreTable) -> Sums:
    """For each class, 1.0 or 0.0 for each utterance [U]: `right:CLASS`, `of:CLASS` and `as:CLASS`.

    They are NaN for an utterance without a label, as those of a generator that is given no classes.
    """
    labels, classified = table.label(LABEL), table.label(CLASSIFIED)
    unlabelled = labels == UNKNOWN
    columns = {}
    for kind in np.unique(np.concatenate([labels, classified])).tolist():
        columns[f"{OF}:{kind}"] = np.where(unlabelled, np.nan, labels == kind)
        columns[f"{AS}:{kind}"] = np.where(unlabelled, np.nan, classified == kind)
        columns[f"{RIGHT}:{kind}"] = columns[f"{OF}:{kind}"] * columns[f"{AS}:{kind}"]
    return columns


def by_class(sums: Mapping[str, np.ndarray], what: str) -> np.ndarray:
    """The sums [..., classes] of one kind of count."""
    kinds = [name.removeprefix(f"{OF}:") for name in sums if name.startswith(f"{OF}:")]
    return np.stack([np.asarray(sums[f"{what}:{kind}"], dtype=np.float64) for kind in kinds], axis=-1)


def accuracy(sums: Sums) -> np.ndarray:
    """Share of all utterances that are classified right, in %."""
    return 100.0 * ratio(by_class(sums, RIGHT).sum(-1), by_class(sums, OF).sum(-1))


def balanced_accuracy(sums: Sums) -> np.ndarray:
    """Mean over the classes that occur of the share of each that is classified right, in %."""
    return 100.0 * _mean_of_defined(ratio(by_class(sums, RIGHT), by_class(sums, OF)))


def macro_f1(sums: Sums) -> np.ndarray:
    """Mean over the classes that occur, as labels or as what is given, of 2 right / (of + as), in %."""
    return 100.0 * _mean_of_defined(ratio(2.0 * by_class(sums, RIGHT), by_class(sums, OF) + by_class(sums, AS)))


def _mean_of_defined(rates: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where all is."""
    known = ~np.isnan(rates)
    return ratio(np.where(known, rates, 0.0).sum(-1), known.sum(-1))


def rate(name: str, title: str, value: object, meaning: str) -> Metric:
    """A metric of labels in %, higher being better."""
    return Metric(
        name=name,
        title=title,
        better="higher",
        columns=COLUMNS,
        measure=measure,
        counts=counts,
        value=value,
        unit="%",
        meaning=meaning,
    )


def confusion(table: ScoreTable, classes: list[str]) -> np.ndarray:
    """How many utterances of each class (rows) are classified as each (columns), int64 [classes, classes]."""
    number = {kind: place for place, kind in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    labels, classified = table.label(LABEL).tolist(), table.label(CLASSIFIED).tolist()
    np.add.at(matrix, ([number[kind] for kind in labels], [number[kind] for kind in classified]), 1)
    return matrix


def classes_of(*tables: ScoreTable) -> list[str]:
    """The classes of labels in some tables, in C order."""
    columns = [table.columns[column] for table in tables for column in COLUMNS]
    return sorted({kind for column in columns for kind in np.unique(column).tolist()})
