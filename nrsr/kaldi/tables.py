"""Kaldi's tables: ark and scp, binary or text, read in order or at random; TableWriter and WaveWriter write them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.lists import problem_of_id, read_list
from nrsr.kaldi.objects import ObjectError, Value, read_object
from nrsr.kaldi.specifiers import READ_OPTIONS, TableError, split_specifier
from nrsr.kaldi.streams import READ_FAILURES, failure_reason, is_pipe, open_source, take
from nrsr.kaldi.writers import TableWriter, WaveWriter

__all__ = ["TableError", "TableWriter", "WaveWriter", "open_table", "read_table"]

MAX_KEY = 4096  # bytes; a longer one means that the file is no ark
RANGE_TOLERANCE = 3  # frames that a row range may end behind the matrix, as in Kaldi (rounding of segments)


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put file and key before the message of what went wrong in the block."""
    try:
        yield
    except TableError:
        raise
    except NrsrError as error:
        raise TableError(f"{place}: {error}") from None
    except READ_FAILURES as error:
        raise TableError(f"{place}: {failure_reason(error)}") from None


def read_table(rspecifier: str, *, allow_pipes: bool = False) -> Iterator[tuple[str, Value]]:
    """Yield (key, value) in the order of the table.

    Args:
        rspecifier: "ark:FILE", "scp:FILE", "ark,t:FILE"; FILE may end in .gz or be `-`, and with
            allow_pipes an entry may be `command |`.

    Yields:
        float matrix or vector, int32 vector, or (rate, float32 samples in [-1, 1)) for audio.

    Raises:
        TableError: missing, truncated, corrupt or foreign file, key twice; names file, key and cure.
    """
    kinds, _, name = split_specifier(rspecifier, READ_OPTIONS)
    if kinds == ["scp"]:
        table = ScpTable(name, allow_pipes)
        for key in table:
            yield key, table[key]
        return
    if kinds != ["ark"]:
        raise TableError(f"{rspecifier!r}: read either ark:FILE or scp:FILE, not both")
    with located(name), open_source(name, allow_pipes) as stream:
        yield from read_ark(stream, name)


def read_ark(stream: BinaryIO, name: str) -> Iterator[tuple[str, Value]]:
    """Yield the entries of an open ark; `name` is for messages."""
    seen: set[str] = set()
    last = None
    while (key := read_key(stream, name, last)) is not None:
        if key in seen:
            raise TableError(f"{name}: key {key!r} appears twice; make the keys unique")
        seen.add(key)
        with located(f"{name}: key {key!r}"):
            value = read_object(stream)
        yield key, value
        last = key


def read_key(stream: BinaryIO, name: str, last: str | None) -> str | None:
    """The next key, or None at the end of the ark."""
    place = f"{name}: after key {last!r}" if last is not None else f"{name}: at its start"
    letters = bytearray()
    while (letter := stream.read(1)) not in (b" ", b"\t", b"\n"):
        if not letter:
            if letters:
                raise TableError(f"{place}: the file ends inside a key; it is truncated or no Kaldi ark")
            return None
        letters += letter
        if len(letters) > MAX_KEY or letter == b"\0":
            raise TableError(f"{place}: no key follows; the file is corrupt or no Kaldi ark")
    try:
        key = letters.decode("utf-8")
    except UnicodeDecodeError:
        raise TableError(f"{place}: a key that is not UTF-8 follows; the file is corrupt or no Kaldi ark") from None
    if problem := problem_of_id(key):
        raise TableError(f"{place}: {problem}; the file is corrupt or no Kaldi ark")
    if letter == b"\n":
        raise TableError(f"{place}: key {key!r} has no value; complete the line or remove it")
    return key


def open_table(scp_path: str | Path, *, allow_pipes: bool = False) -> Mapping[str, Value]:
    """Random access to what an scp lists; values are read when asked for.

    Entries may have ranges as in Kaldi, both ends included: `x.ark:12[0:5,2:4]`.

    Raises:
        TableError, ListError: as read_table; a key that is not there raises KeyError as mappings do.
    """
    return ScpTable(scp_path, allow_pipes)


class ScpTable(Mapping):
    """The mapping behind open_table; it holds only the lines of the scp, so it can be pickled."""

    def __init__(self, scp_path: str | Path, allow_pipes: bool = False):
        self.path = str(scp_path).removeprefix("scp:")
        self.entries = read_list(self.path)
        self.allow_pipes = allow_pipes

    def __getitem__(self, key: str) -> Value:
        entry = self.entries[key]
        with located(f"{self.path}: key {key!r} ({entry})"):
            return read_entry(entry, self.allow_pipes)

    def __contains__(self, key: object) -> bool:
        return key in self.entries  # Mapping's own way would read the value to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def split_entry(entry: str) -> tuple[str, int, tuple[slice, ...] | None]:
    """(file, offset, ranges) of `x.ark:12[0:5,2:4]`; ends are included there and excluded in the slices."""
    if is_pipe(entry):
        return entry, 0, None
    ranges = None
    if bracket := re.fullmatch(r"(.+)\[([0-9:, ]*)\]", entry):
        entry = bracket.group(1).strip()
        ranges = tuple(parse_range(part.strip()) for part in bracket.group(2).split(","))
    if place := re.fullmatch(r"(.+):([0-9]+)", entry):
        return place.group(1), int(place.group(2)), ranges
    return entry, 0, ranges


def parse_range(text: str) -> slice:
    """A slice of Kaldi's `3:5` (which is 3, 4, 5), of `:` or of nothing."""
    if text in ("", ":"):
        return slice(None)
    numbers = re.fullmatch(r"([0-9]+):([0-9]+)", text)
    if not numbers or int(numbers.group(2)) < int(numbers.group(1)):
        raise ObjectError(f"{text!r} is no range; write first:last, both included, as in [0:5,2:4]")
    return slice(int(numbers.group(1)), int(numbers.group(2)) + 1)


def read_entry(entry: str, allow_pipes: bool = False) -> Value:
    """The value that the right-hand side of an scp names."""
    name, offset, ranges = split_entry(entry)
    with open_source(name, allow_pipes) as stream:
        if offset:
            # Checked because a stream that seeks behind its end only reads nothing.
            stream.seek(offset - 1)
            if take(stream, 1) not in (b" ", b"\t"):
                raise ObjectError(
                    f"no key ends before byte {offset}; the ark was written anew, so write its scp anew too"
                )
        value = read_object(stream)
    return value if ranges is None else cut(value, ranges)


def cut(value: Value, ranges: tuple[slice, ...]) -> Value:
    """The rows (and columns) that a range names."""
    if isinstance(value, tuple):
        return value[0], cut(value[1], ranges)
    if len(ranges) > value.ndim:
        raise ObjectError(f"has {len(ranges)} ranges for {value.ndim} dimensions; correct the scp")
    for axis, (part, size) in enumerate(zip(ranges, value.shape, strict=False)):
        tolerance = RANGE_TOLERANCE if axis == 0 else 0
        if part.start is not None and (part.start >= size or part.stop > size + tolerance):
            raise ObjectError(f"range {part.start}:{part.stop - 1} is outside of 0:{size - 1}; correct the scp")
    return np.ascontiguousarray(value[ranges])
