"""Two-column text files of Kaldi ("id rest of the line"): wav.scp, text, utt2spk, spk2utt, utt2dur and their like."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.folders import refuse_incomplete

WHITE = " \t\r\f\v"
ASCII_SPACE = re.compile(r"[ \t\r\f\v]+")
WORD = re.compile(r"[^ \t\n\r\f\v]+")
# Characters that look like white space and are none for Kaldi, sclite and jiwer: Unicode's White_Space, the separators
# of ASCII's control characters, and spaces of no width.
HIDDEN_SPACE = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")


class ListError(NrsrError):
    """A two-column file that cannot be read or written; names file, line and cure."""


def c_sorted(ids: Iterable[str]) -> list[str]:
    """Sort in the C locale: by the bytes of UTF-8, which for Python strings is the order of code points."""
    return sorted(ids)


def problem_of_id(name: str) -> str | None:
    """What is wrong with an id, or None: ids are not empty and hold no white space and no NUL."""
    if not name:
        return "an id is empty"
    if len(name.split()) != 1 or name.strip() != name:
        return f"id {name!r} contains white space, which ends an id in Kaldi's files; replace it, for example by _"
    if "\0" in name:
        return f"id {name!r} contains a NUL character; the file is perhaps binary"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return f"id {name!r} cannot be written in UTF-8; rename it"
    return None


def split_words(text: str) -> list[str]:
    """The words of a text: what ASCII white space separates, as in Kaldi, sclite and jiwer.

    str.split() would also separate at U+00A0, U+3000, U+2028 and the like, which are part of a word there.
    """
    return WORD.findall(text)


def problem_of_spaces(text: str) -> str | None:
    """What is wrong with the spaces of a text, or None: characters that look like a space and separate no words."""
    spaces = sorted({f"U+{ord(space):04X}" for space in HIDDEN_SPACE.findall(text)})
    return f"contains {', '.join(spaces)}, which looks like a space and separates no words" if spaces else None


def columns_of(line: str) -> tuple[str, str]:
    """Id and rest of a line, separated by ASCII white space alone as in Kaldi; empty strings where missing."""
    columns = ASCII_SPACE.split(line.strip(WHITE), maxsplit=1)
    return columns[0], columns[1] if len(columns) == 2 else ""


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line without its end) of a UTF-8 text file; LF or CRLF.

    Only the line feed ends a line: str.splitlines would also break at U+2028 and the like inside a transcript.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ListError(f"{path}: there is no such file; check the path or run the stage that makes it") from None
    except OSError as error:
        raise ListError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            yield number, line.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError:
            raise ListError(
                f"{path}:{number}: is not UTF-8; convert the file, for example with `iconv -f latin1 -t utf-8`"
            ) from None


def read_list(path: str | Path, *, allow_empty_values: bool = False) -> dict[str, str]:
    """Read a two-column file.

    Args:
        path: UTF-8 text; columns separated by spaces or tabs, lines ended by LF or CRLF.
        allow_empty_values: accept lines that hold an id alone (an empty transcript).

    Returns:
        id -> rest of the line without the white space around it, in the order of the file.

    Raises:
        ListError: missing file, blank line, id without a value, id twice or with white space beyond ASCII's, bytes that
            are not UTF-8.
        IncompleteFolder: the command that makes the file's folder has not finished.
    """
    refuse_incomplete(Path(path).parent)
    entries: dict[str, str] = {}
    first_seen: dict[str, int] = {}
    for number, line in read_lines(path):
        key, value = columns_of(line)
        if not key:
            raise ListError(f"{path}:{number}: the line is blank; remove it")
        if "\0" in line:
            raise ListError(f"{path}:{number}: contains a NUL character; it is binary, no list; check the path")
        if key in entries:
            raise ListError(f"{path}:{number}: id {key!r} is already in line {first_seen[key]}; remove one of them")
        if problem := problem_of_id(key):
            raise ListError(f"{path}:{number}: {problem}")
        if not value and not allow_empty_values:
            raise ListError(f"{path}:{number}: id {key!r} has no value; complete the line or remove it")
        entries[key] = value
        first_seen[key] = number
    return entries


def write_list(path: str | Path, entries: Mapping[str, object]) -> None:
    """Write id -> value sorted in the C locale, under a temporary name first; values may be empty.

    Raises:
        ListError: an id that Kaldi's files cannot hold, or a value with a line break.
    """
    lines = []
    for key in c_sorted(entries):
        value = str(entries[key])
        problem = problem_of_id(key)
        if problem is None and ("\n" in value or "\r" in value or "\0" in value):
            problem = f"the value of id {key!r} contains a line break; remove it"
        if problem is not None:
            raise ListError(f"{path}: {problem}")
        lines.append(f"{key} {value}\n" if value else f"{key}\n")
    with atomic_open(path) as stream:
        stream.writelines(lines)


class Line(NamedTuple):
    """The value of an id and the number of its line."""

    number: int
    value: str


class BadLine(NamedTuple):
    """A line of a list that is not as it should be.

    Attributes:
        lost: whether nothing of the line can be used.
    """

    number: int
    problem: str
    cure: str
    lost: bool = True


def scan_list(path: Path) -> tuple[dict[str, Line], list[BadLine]]:
    """Read a list as far as it can be read.

    Returns:
        id -> line, the first of each id and also those without a value; and all bad lines. Of lines that
        are out of order only the first is listed.
    """
    entries: dict[str, Line] = {}
    bad: list[BadLine] = []
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    previous, is_sorted = "", True
    for number, raw in enumerate(lines[:-1] if lines[-1] == b"" else lines, 1):
        try:
            key, value = columns_of(raw.decode("utf-8"))
        except UnicodeDecodeError:
            bad.append(BadLine(number, "is not UTF-8", "convert the file, for example with iconv -f latin1 -t utf-8"))
            continue
        if not key:
            bad.append(BadLine(number, "the line is blank", "remove it"))
        elif b"\0" in raw:
            bad.append(BadLine(number, "contains a NUL character", "it is binary, no list; check the path"))
        elif problem := problem_of_id(key):
            bad.append(BadLine(number, problem, "rename it in all lists"))
        elif "\r" in value:
            bad.append(BadLine(number, f"the value of id {key!r} contains a carriage return", "remove it"))
        elif key in entries:
            bad.append(BadLine(number, f"id {key!r} is already in line {entries[key].number}", "remove one of them"))
        else:
            entries[key] = Line(number, value)
            if not value:
                what = "has an empty transcript" if path.name.startswith("text") else "has no value"
                bad.append(BadLine(number, f"id {key!r} {what}", "complete the line or drop the utterance"))
            if path.name.startswith("text") and (problem := problem_of_spaces(value)):
                cure = "write an ordinary space between words, and _ or nothing inside of them"
                bad.append(BadLine(number, f"the text of {key!r} {problem}", cure, lost=False))
            if is_sorted and key < previous:
                cure = f"sort the file with LC_ALL=C sort, or the directory with nrsr fix-data {path.parent}"
                bad.append(BadLine(number, f"{key!r} comes after {previous!r}", cure, lost=False))
                is_sorted = False
            previous = key
    return entries, bad
