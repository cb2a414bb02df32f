"""A table of text cells, as plain text for a terminal and as Markdown."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field


def width(text: str) -> int:
    """Columns that a text takes on a terminal: East Asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


@dataclass(frozen=True)
class Table:
    """The first column is set flush left, the others flush right; `notes` are lines below the table."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)

    def plain(self) -> str:
        """Columns aligned by spaces."""
        lines = [self.header, *self.rows]
        widths = [max(width(line[column]) for line in lines) for column in range(len(self.header))]
        text = ["  ".join(self._padded(line, widths)).rstrip() for line in lines]
        return "\n".join([*([self.title] if self.title else []), *text, *self.notes]) + "\n"

    @staticmethod
    def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
        spaces = [" " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)]
        return [line[0] + spaces[0], *(space + cell for cell, space in zip(line[1:], spaces[1:], strict=True))]

    def markdown(self) -> str:
        """A GitHub table below its title."""
        rules = ["---"] + ["---:"] * (len(self.header) - 1)
        lines = ["| " + " | ".join(self._escaped(line)) + " |" for line in (self.header, rules, *self.rows)]
        notes = ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join([*([f"**{self.title}**", ""] if self.title else []), *lines, *notes]) + "\n"

    @staticmethod
    def _escaped(line: Sequence[str]) -> list[str]:
        return [cell.replace("|", "\\|") for cell in line]


def with_interval(value: float | None, interval: Sequence[float] | None, form: str = ".2f") -> str:
    """A value with its interval for a cell, as in "12.30 [10.10, 14.80]"."""
    if value is None:
        return "undefined"
    return f"{value:{form}}" + (f" [{interval[0]:{form}}, {interval[1]:{form}}]" if interval else "")
