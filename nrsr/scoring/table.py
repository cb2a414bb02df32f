"""The scores table (scores.tsv): a row for each utterance, or for each speaker of it; label columns, metric columns.

The first line names the columns. `utt` is the first; a table with a row for each speaker has `source` beside it. Labels
are text, as in the data directory; "-" stands for a label that the data directory does not have, and for a
number that is undefined.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import atomic_open, cure_of
from nrsr.folders import refuse_incomplete

UNKNOWN = "-"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MOST_DIGITS = 15  # whole numbers of more digits are no counts, and are not exact in double precision
LARGEST = 1e15  # no metric's value is as large, and sums of smaller ones stay finite
CURE = "score the set again"


class ScoreFileError(NrsrError):
    """A table of scores that cannot be used; names file, line and cure."""


@dataclass(frozen=True)
class ScoreTable:
    """Columns of text or numbers [R], in the order of the file.

    Attributes:
        path: file that the table was read from, for messages.
    """

    columns: dict[str, np.ndarray]
    path: Path | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.columns["utt"])

    @cached_property
    def _numbered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.unique(self.columns["utt"], return_index=True, return_inverse=True)

    @property
    def utterances(self) -> np.ndarray:
        """Ids of the utterances [U], in C order."""
        return self._numbered[0]

    def label(self, name: str) -> np.ndarray:
        """A label of each utterance [U], that of its first row; UNKNOWN where the table lacks the column."""
        if name not in self.columns:
            return np.full(len(self.utterances), UNKNOWN)
        return self.columns[name][self._numbered[1]]

    def has(self, label: str) -> bool:
        """Whether any utterance has this label."""
        return label in self.columns and bool((self.columns[label] != UNKNOWN).any())

    def numbers(self, name: str) -> np.ndarray:
        """A metric column as float64 [R], NaN where it is undefined.

        Raises:
            ScoreFileError: no such column, or a cell that is no finite number.
        """
        cells = self._column(name)
        if cells.dtype.kind != "U":
            return cells.astype(np.float64)
        values = np.array([_number(cell) for cell in cells.tolist()])
        for row in np.flatnonzero(np.isinf(values))[:1]:
            raise ScoreFileError(f"{self._line(row)}: {name} {cells[row]!r} is no number, or too large; {CURE}")
        return values

    def counts(self, name: str) -> np.ndarray:
        """A column of whole numbers from 0, as float64 [R], NaN where it is undefined.

        Raises:
            ScoreFileError: no such column, or a cell that is no such number or too large for one.
        """
        cells = self._column(name)
        if cells.dtype.kind != "U":
            return cells.astype(np.float64)
        for row, cell in enumerate(cells.tolist()):
            if cell != UNKNOWN and not (cell.isascii() and cell.isdigit() and len(cell) <= MOST_DIGITS):
                raise ScoreFileError(f"{self._line(row)}: {name} {cell!r} is no count; {CURE}")
        return np.array([np.nan if cell == UNKNOWN else int(cell) for cell in cells.tolist()], dtype=np.float64)

    def summed(self, values: np.ndarray) -> np.ndarray:
        """Sums over the rows of each utterance, [R] to [U]."""
        return np.bincount(self._numbered[2], values, len(self.utterances))

    def averaged(self, values: np.ndarray) -> np.ndarray:
        """Means over the rows of each utterance for which the value is defined, [R] to [U]; NaN where none is."""
        known = ~np.isnan(values)
        counted = self.summed(known.astype(np.float64))
        sums = self.summed(np.where(known, values, 0.0))
        return np.divide(sums, counted, out=np.full(len(counted), np.nan), where=counted > 0)

    def _column(self, name: str) -> np.ndarray:
        if name not in self.columns:
            raise ScoreFileError(f"{self.path}: has no column {name}; {CURE}")
        return self.columns[name]

    def _line(self, row: int) -> str:
        return f"{self.path}:{row + 2}"


def _number(cell: str) -> float:
    """The number of a cell; infinity for a cell that holds none, or one out of all bounds."""
    if cell == UNKNOWN:
        return np.nan
    value = float(cell) if NUMBER.fullmatch(cell) else np.inf
    return value if abs(value) < LARGEST else np.inf


def write_table(table: ScoreTable, path: str | Path) -> None:
    """Write a table under a temporary name first; floats get six digits behind the point."""
    columns = map(_cells, table.columns.values())
    with atomic_open(path) as stream:
        stream.write("\t".join(table.columns) + "\n")
        stream.writelines("\t".join(row) + "\n" for row in zip(*columns, strict=True))


def _cells(column: np.ndarray) -> list[str]:
    if column.dtype.kind == "f":
        return [UNKNOWN if value != value else f"{value:.6f}" for value in column.tolist()]
    return list(map(str, column.tolist()))


def read_header(path: str | Path) -> list[str]:
    """Names of a table's columns.

    Raises:
        ScoreFileError: the file cannot be read, or its first line names no columns.
    """
    try:
        with open(path, "rb") as stream:
            return _header(stream.readline().decode("utf-8"), path)
    except OSError as error:
        raise ScoreFileError(f"{path}: {error.strerror}; {cure_of(error, CURE)}") from error
    except UnicodeDecodeError as error:
        raise ScoreFileError(f"{path}: cannot be read ({error}); {CURE}") from error


def _header(line: str, path: str | Path) -> list[str]:
    names = line.removesuffix("\n").split("\t")
    if names[0] != "utt" or len(set(names)) != len(names) or not all(names) or not line.endswith("\n"):
        raise ScoreFileError(f"{path}:1: is no table of scores: the first line names its columns, utt first; {CURE}")
    return names


def read_table(path: str | Path) -> ScoreTable:
    """Read what `write_table` wrote, every cell as text.

    Raises:
        IncompleteFolder: the folder is still being made.
        ScoreFileError: missing file, another header, no rows, a line of another shape or cut off, a row twice.
    """
    refuse_incomplete(Path(path).parent)
    try:
        content = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise ScoreFileError(f"{path}: {error.strerror}; {cure_of(error, CURE)}") from error
    except UnicodeDecodeError as error:
        raise ScoreFileError(f"{path}: cannot be read ({error}); {CURE}") from error
    first, end, rest = content.partition("\n")
    names = _header(first + end, path)
    lines = rest.split("\n")
    if lines.pop() != "" or not lines:
        raise ScoreFileError(f"{path}:{len(lines) + 2}: the table has no rows or is cut off; {CURE}")
    rows = [line.split("\t") for line in lines]
    keys = [names.index(name) for name in ("utt", "source") if name in names]
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, 2):
        if len(row) != len(names) or not row[0]:
            raise ScoreFileError(f"{path}:{number}: expected {len(names)} cells, found {len(row)}; {CURE}")
        key = tuple(row[place] for place in keys)
        if key in seen:
            raise ScoreFileError(f"{path}:{number}: {' '.join(key)!r} stands twice; {CURE}")
        seen.add(key)
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return ScoreTable({name: np.array(cells, dtype=str) for name, cells in columns}, Path(path))
