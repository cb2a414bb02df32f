"""The files of RATS' speech activity corpus: names, .tab annotations, and how a channel lies in time to its source."""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from nrsr.corpora.files import files_below
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import WHITE, read_lines

# source_session_language_channel; source audio has no session.
NAME = re.compile(r"(?P<source>\d{5})(_(?P<session>\d{5}))?_(?P<language>[a-z]{3})_(?P<channel>[A-H]|src)")
LABELS = ("S", "NS", "NT", "RX")  # speech, none, and speech that was not transmitted (by log, by level)
SAME_MOMENT = 0.01  # seconds; rows that are no further apart touch each other
DRIFT = 0.02  # seconds by which the shift between source and channel may vary within a recording


class RatsTableError(NrsrError):
    """An annotation that is not of the published form."""


@dataclass(frozen=True)
class Row:
    """One stretch of a recording, in seconds."""

    start: float
    end: float
    label: str


def files_of(folder: Path, ending: str, channel: str) -> dict[str, Path]:
    """Name without ending -> file, of one channel at any depth below a folder (train has a level of languages)."""
    last = f"_{channel}.{ending}"
    files = {path.stem: path for path in files_below(folder) if path.name.endswith(last)}
    return {name: path for name, path in files.items() if NAME.fullmatch(name)}


def read_table(path: Path) -> list[Row]:
    """The rows of a .tab file in order of time.

    Columns, separated by tabs: partition, file, start, end, label, and others, which are ignored. Tables of the
    corpus have 12, of which speaker and transcript are empty.

    Raises:
        RatsTableError: fewer than five columns, another file's name, times that are no times, an unknown label.
    """
    rows = []
    for number, line in read_lines(path):
        columns = [column.strip(WHITE) for column in line.split("\t")]
        try:
            _, file, start, end, label = columns[:5]
            row = Row(float(start), float(end), label)
        except ValueError:
            raise RatsTableError(
                f"{path}:{number}: expected partition, file, start, end and label parted by tabs; restore the file"
            ) from None
        if file != path.stem or label not in LABELS or not 0 <= row.start <= row.end:
            raise RatsTableError(
                f"{path}:{number}: expected the file {path.stem}, a label of {', '.join(LABELS)} and times in order; "
                "restore the file"
            )
        rows.append(row)
    return sorted(rows, key=lambda row: (row.start, row.end))


def spoken(rows: list[Row]) -> list[tuple[float, float]]:
    """The stretches of speech at the source: rows of S, NT and RX that touch are one."""
    stretches: list[tuple[float, float]] = []
    for row in rows:
        if row.label == "NS":
            continue
        if stretches and row.start - stretches[-1][1] <= SAME_MOMENT:
            stretches[-1] = (stretches[-1][0], max(row.end, stretches[-1][1]))
        else:
            stretches.append((row.start, row.end))
    return stretches


def shift_between(source: list[Row], channel: list[Row]) -> float | None:
    """Seconds by which a channel lies behind its source, or None where the tables do not agree on one.

    The corpus' makers aligned each channel with its source and moved the source's annotation by what they found, so
    the two tables contain the shift.
    """
    pairs = list(zip(spoken(source), spoken(channel), strict=False))
    if not pairs or len(spoken(source)) != len(spoken(channel)):
        return None
    shifts = [there[0] - here[0] for here, there in pairs]
    shift = statistics.median(shifts)
    return shift if max(abs(offset - shift) for offset in shifts) <= DRIFT else None
