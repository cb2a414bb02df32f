"""Published values, for the small table of a results file: a tab-separated file of the recipe.

The first line names the columns: `system`, then sets (`test`, or `test:sdr_i` for another metric than the first), then
`source`, which says where the values were read. A value is printed as it is; `-` where the source has none.
"""

from dataclasses import dataclass
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines


class PublishedError(NrsrError):
    """A file of published values that cannot be used; names file, line and cure."""


@dataclass(frozen=True)
class Published:
    """One published system: (set, metric name, "" for the first metric) -> value as text."""

    system: str
    values: dict[tuple[str, str], str]
    source: str


def read_published(path: str | Path) -> list[Published]:
    """Read a file of published values.

    Raises:
        PublishedError: another first line, a line of another number of cells, a system without a source.
        ListError: the file cannot be read.
    """
    lines = [(number, line.split("\t")) for number, line in read_lines(path) if line.strip()]
    header = lines[0][1] if lines else []
    if len(header) < 3 or header[0] != "system" or header[-1] != "source":
        raise PublishedError(f"{path}:1: the first line must be: system, sets, source, with tabs between them")
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(header) or not cells[-1].strip():
            raise PublishedError(f"{path}:{number}: expected {len(header)} cells, the last of them a source; add it")
        keys = [(test_set, metric) for test_set, _, metric in (name.partition(":") for name in header[1:-1])]
        rows.append(Published(cells[0], dict(zip(keys, cells[1:-1], strict=True)), cells[-1]))
    return rows
