"""The counts of each utterance of a scored test set, in memory as columns and on disk as utterances.tsv."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.folders import refuse_incomplete

LABELS = ("utt", "spk", "noise", "noisefile", "snr")
COUNTS = ("words", "sub", "del", "ins", "chars", "char_errors")
UNKNOWN = "-"  # label of what the data directory does not tell


class ScoreFileError(NrsrError):
    """A file of utterance scores that cannot be used; names file, line and cure."""


@dataclass(frozen=True)
class Scores:
    """One column per name of LABELS (text) and COUNTS (int64), one row per utterance."""

    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.columns["utt"])

    def __getitem__(self, name: str) -> np.ndarray:
        """A column [U]; "errors" is the sum of the word errors."""
        if name == "errors":
            return self.columns["sub"] + self.columns["del"] + self.columns["ins"]
        return self.columns[name]

    def has(self, label: str) -> bool:
        """Whether any utterance has this label."""
        return bool((self.columns[label] != UNKNOWN).any())

    def take(self, rows: np.ndarray) -> "Scores":
        """The rows of a mask or of an index array."""
        return Scores({name: column[rows] for name, column in self.columns.items()})


def scores_of_rows(rows: list[tuple]) -> Scores:
    """Columns from rows in the order LABELS + COUNTS."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(LABELS) + len(COUNTS))
    kinds = [str] * len(LABELS) + [np.int64] * len(COUNTS)
    named = zip(LABELS + COUNTS, columns, kinds, strict=True)
    return Scores({name: np.array(column, dtype=kind) for name, column, kind in named})


def write_scores(scores: Scores, path: str | Path) -> None:
    """Write a tab-separated table with a header line."""
    names = LABELS + COUNTS
    with atomic_open(path) as stream:
        stream.write("\t".join(names) + "\n")
        for row in zip(*(scores[name].tolist() for name in names), strict=True):
            stream.write("\t".join(map(str, row)) + "\n")


def read_scores(path: str | Path) -> Scores:
    """Read what `write_scores` wrote.

    Raises:
        ScoreFileError: missing file, another header, a line of another shape, a count that is no number below 0,
            an utterance twice.
    """
    refuse_incomplete(Path(path).parent)
    cure = "score again with `nrsr score-wer --out`"
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ScoreFileError(f"{path}: cannot be read ({error}); {cure}") from error
    if lines.pop() != "" or not lines or tuple(lines[0].split("\t")) != LABELS + COUNTS:
        raise ScoreFileError(f"{path}: is not a whole table of {', '.join(LABELS + COUNTS)}; {cure}")
    rows, seen = [], set()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        counts = cells[len(LABELS) :]
        if len(counts) != len(COUNTS) or not all(count.isascii() and count.isdigit() for count in counts):
            raise ScoreFileError(f"{path}:{number}: expected {len(LABELS)} labels and {len(COUNTS)} counts; {cure}")
        if cells[0] in seen:
            raise ScoreFileError(f"{path}:{number}: utterance {cells[0]!r} stands twice; {cure}")
        seen.add(cells[0])
        rows.append((*cells[: len(LABELS)], *map(int, counts)))
    return scores_of_rows(rows)
