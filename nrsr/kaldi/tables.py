"""Kaldi's tables: ark and scp, binary or text, read in order or at random, written atomically."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi import wav
from nrsr.kaldi.lists import c_sorted, problem_of_id, read_list
from nrsr.kaldi.objects import Value, binary_bytes, checked_array, read_object, text_bytes
from nrsr.kaldi.streams import is_pipe, open_source, take

MAX_KEY = 4096  # bytes; a longer one means that the file is no ark
RANGE_TOLERANCE = 3  # frames that a row range may end behind the matrix, as in Kaldi (rounding of segments)
READ_OPTIONS = {"o", "no", "s", "ns", "cs", "ncs", "bg", "t", "b", "nt"}
WRITE_OPTIONS = {"t", "b", "f", "nf", "nt"}


class TableError(NrsrError):
    """A table that cannot be read or written; names file, key and cure."""


def split_specifier(specifier: str, options: set[str]) -> tuple[list[str], set[str], str]:
    """(["ark", "scp"], {"t"}, "x.ark,x.scp") of "ark,scp,t:x.ark,x.scp"."""
    head, colon, name = specifier.partition(":")
    words = head.split(",")
    kinds = [word for word in words if word in ("ark", "scp")]
    unknown = set(words) - {"ark", "scp"} - options
    if not colon or not kinds or not name.strip():
        raise TableError(f"{specifier!r} is no table; write scp:FILE, ark:FILE or, to write both, ark,scp:ARK,SCP")
    if unknown:
        raise TableError(f"{specifier!r} has options nrsr does not know ({', '.join(sorted(unknown))}); remove them")
    return kinds, set(words) & options, name.strip()


@contextmanager
def located(place: str) -> Iterator[None]:
    """Put file and key before the message of what went wrong in the block."""
    try:
        yield
    except TableError:
        raise
    except NrsrError as error:
        raise TableError(f"{place}: {error}") from None
    except (OSError, EOFError, ValueError, OverflowError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise TableError(f"{place}: cannot be read ({reason}); the file is corrupt or the disk fails") from None


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
    """Yield what an open ark holds; `name` stands in messages."""
    seen: set[str] = set()
    last = None
    while (key := read_key(stream, name, last)) is not None:
        if key in seen:
            raise TableError(f"{name}: key {key!r} stands in it twice; make the keys unique")
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
        raise TableError(f"{text!r} is no range; write first:last, both included, as in [0:5,2:4]")
    return slice(int(numbers.group(1)), int(numbers.group(2)) + 1)


def read_entry(entry: str, allow_pipes: bool = False) -> Value:
    """The value that the right-hand side of an scp names."""
    name, offset, ranges = split_entry(entry)
    with open_source(name, allow_pipes) as stream:
        if offset:
            # Checked because a stream that seeks behind its end only reads nothing.
            stream.seek(offset - 1)
            if take(stream, 1) not in (b" ", b"\t"):
                raise TableError(
                    f"{entry}: no key ends before byte {offset}; the ark was written anew, so write its scp anew too"
                )
        value = read_object(stream)
    return value if ranges is None else cut(value, ranges, entry)


def cut(value: Value, ranges: tuple[slice, ...], entry: str) -> Value:
    """The rows (and columns) that a range names."""
    if isinstance(value, tuple):
        return value[0], cut(value[1], ranges, entry)
    if len(ranges) > value.ndim:
        raise TableError(f"{entry}: has {len(ranges)} ranges for {value.ndim} dimensions; correct the scp")
    for axis, (part, size) in enumerate(zip(ranges, value.shape, strict=False)):
        tolerance = RANGE_TOLERANCE - 1 if axis == 0 else 0
        if part.start is not None and (part.start >= size or part.stop > size + tolerance):
            raise TableError(f"{entry}: {part.start}:{part.stop - 1} is outside of 0:{size - 1}; correct the scp")
    return np.ascontiguousarray(value[ranges])


class ArkFile:
    """An ark, its scp or both under temporary names; they appear when the block ends well."""

    def __init__(self, ark: str | None, scp: str | None):
        if ark is None:
            raise TableError("an scp alone holds no data; write ark:FILE or ark,scp:ARK,SCP")
        if is_pipe(ark) or ark.endswith(".gz"):
            raise TableError(f"{ark}: tables are written to plain files; compress or pipe them afterwards")
        if scp is not None and Path(ark).absolute() == Path(scp).absolute():
            raise TableError(f"{ark}: ark and scp have the same name; give two names")
        self.ark, self.scp = ark, scp
        self.entries: dict[str, str] = {}
        self.position = 0
        self.stack = ExitStack()

    def __enter__(self) -> "ArkFile":
        # The ark is entered last and thus renamed first: a scp never points into an ark that is not there.
        self.scp_stream = self.stack.enter_context(atomic_open(self.scp)) if self.scp is not None else None
        try:
            self.stream = self.stack.enter_context(atomic_open(self.ark, "wb"))
        except BaseException as error:
            self.stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def add(self, key: str, content: bytes) -> None:
        """Append one object."""
        head = key.encode("utf-8") + b" "
        self.entries[key] = f"{self.ark}:{self.position + len(head)}"
        self.stream.write(head)
        self.stream.write(content)
        self.position += len(head) + len(content)

    def check_key(self, key: str) -> None:
        problem = problem_of_id(key)
        if problem is None and key in self.entries:
            problem = f"key {key!r} is written twice; make the keys unique"
        if problem is not None:
            raise TableError(f"{self.ark}: {problem}")

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            try:
                self.finish()
            except BaseException as failure:
                self.stack.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self.stack.__exit__(kind, error, traceback)

    def finish(self) -> None:
        """Bring all bytes to the disk before the first rename."""
        self.stream.flush()
        if self.scp is not None:
            self.scp_stream.writelines(f"{key} {self.entries[key]}\n" for key in c_sorted(self.entries))
            self.scp_stream.flush()
            # Killed between the two renames, no old scp may point into the new ark.
            Path(self.scp).unlink(missing_ok=True)


class TableWriter:
    """Write a table: `with TableWriter("ark,scp:x.ark,x.scp") as writer: writer[key] = array`.

    Args:
        wspecifier: "ark:ARK", "ark,t:ARK" (text) or "ark,scp:ARK,SCP". The scp names the ark as given here,
            so a relative name is relative to the current folder, as in Kaldi.
        compress: 8-bit compressed matrices (16 bits for up to 8 rows), Kaldi's automatic method.

    Raises:
        TableError: bad or repeated key; anything but finite float vectors and matrices and int vectors.
    """

    def __init__(self, wspecifier: str, *, compress: bool = False):
        kinds, options, names = split_specifier(wspecifier, WRITE_OPTIONS)
        parts = [part.strip() for part in names.split(",")] if len(kinds) == 2 else [names]
        if len(parts) != len(kinds) or not all(parts):
            raise TableError(f"{wspecifier!r} needs a file for each of {', '.join(kinds)}; write ark,scp:x.ark,x.scp")
        files = dict(zip(kinds, parts, strict=True))
        self.text = "t" in options
        self.compress = compress and not self.text
        self.file = ArkFile(files.get("ark"), files.get("scp"))

    def __enter__(self) -> "TableWriter":
        self.file.__enter__()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.file.__exit__(kind, error, traceback)

    def __setitem__(self, key: str, array: np.ndarray) -> None:
        self.file.check_key(key)
        try:
            checked = checked_array(array, self.compress)
        except NrsrError as error:
            raise TableError(f"{self.file.ark}: the value of key {key!r} {error}") from None
        self.file.add(key, text_bytes(checked) if self.text else binary_bytes(checked, self.compress))


class WaveWriter:
    """Write mono audio as a wav ark with its scp: `with WaveWriter("w.ark", "wav.scp", 8000) as w: w[utt] = wave`.

    Args:
        ark_path, scp_path: files to write; the scp names the ark as given here.
        rate: samples per second.
        bits: 16 (PCM, rounded) or 32 (float, exact).

    Raises:
        TableError: bad or repeated key; no samples, NaN, not one-dimensional; beyond ±1 with 16 bits (clipping).
    """

    def __init__(self, ark_path: str | Path, scp_path: str | Path, rate: int, *, bits: int = 16):
        if bits not in (16, 32):
            raise TableError(f"{ark_path}: wav arks have 16 or 32 bits, not {bits}; choose one of them")
        self.rate, self.bits = int(rate), bits
        self.file = ArkFile(str(ark_path), str(scp_path))

    def __enter__(self) -> "WaveWriter":
        self.file.__enter__()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.file.__exit__(kind, error, traceback)

    def __setitem__(self, key: str, wave: np.ndarray) -> None:
        self.file.check_key(key)
        wave = np.asarray(wave, dtype=np.float32)
        problem = None
        if wave.ndim != 1 or len(wave) == 0:
            problem = f"has the shape {list(wave.shape)}; write mono audio [T] with T > 0"
        elif not np.isfinite(wave).all():
            problem = "contains NaN or infinite samples; find where they come from"
        elif self.bits == 16 and (peak := float(np.abs(wave).max())) > 1.0:
            problem = f"reaches {peak:.4g} and 16 bits would clip it; scale it below 1, or write with bits=32"
        if problem is not None:
            raise TableError(f"{self.file.ark}: the audio of key {key!r} {problem}")
        if self.bits == 16:
            wave = np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)
        self.file.add(key, wav.encode(wave, self.rate))
