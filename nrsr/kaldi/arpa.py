"""ARPA files of n-gram language models: one reader for all that use them, strict with numbers, not with blanks."""

import array
import gzip
import math
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import cure_of

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
UNKNOWNS = (UNKNOWN, "<UNK>")  # as toolkits write it; nobody wants it recognised
NUMBER = rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
WORD = rb"[^ \t\r\f\v\0]+"
GAP = rb"[ \t\r\f\v]+"
COUNT = re.compile(rb"ngram[ \t]+([0-9]{1,3})[ \t]*=[ \t]*([0-9]{1,18})")
LONGEST_LINE = 1 << 20  # bytes; what is longer is no n-gram
HIGHEST_ORDER = 20  # that is read at all
SHOWN = 60  # characters of a line that a message shows
CURE = "make the file again, for example with nrsr make-lm"
COUNTS = "the counts under \\data\\ must be right"


class LanguageModelError(NrsrError):
    """A language model file that is missing, not in ARPA form, or does not fit; names file, line and cure."""


@dataclass(frozen=True)
class Arpa:
    """A summary of an ARPA file.

    Attributes:
        order: of its longest n-grams.
        words: the unigrams in their order, `<s>` and `</s>` included.
        plain: whether libraries can read the file as it is: packed, or with other blanks than theirs, they cannot.
    """

    order: int
    words: list[str]
    plain: bool


def read_arpa(path: str | Path, copy: IO[bytes] | None = None) -> Arpa:
    """Check an ARPA file (packed by gzip or not) from end to end.

    Text before `\\data\\` and behind `\\end\\` is ignored, as are blank lines; white space of any kind and length
    separates fields. A field that is to be a number must be one as a whole.

    Args:
        copy: gets the same model, unpacked and in the blanks that every library reads.

    Raises:
        LanguageModelError: no such file, or the first line that is wrong.
    """
    path = Path(path)
    lines = _Lines(path, copy)
    try:
        with open_arpa(path) as stream:
            return _read(lines, stream)
    except FileNotFoundError:
        raise LanguageModelError(f"{path}: No such file; name an ARPA file, as nrsr make-lm writes it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LanguageModelError(f"{path}: cannot be unpacked ({error}); make or fetch it again") from None
    except OSError as error:
        reason = error.strerror or error
        cure = cure_of(error, "name an ARPA file, as nrsr make-lm writes it")
        raise LanguageModelError(f"{path}: {reason}; {cure}") from None


def open_arpa(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if it is packed by gzip."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


@contextmanager
def plain_file(path: str | Path) -> Iterator[tuple[Path, Arpa]]:
    """A file with the model that libraries can read, the file itself where it is plain, and what it says of itself.

    Raises:
        LanguageModelError: as read_arpa.
    """
    arpa = read_arpa(path)
    if arpa.plain:
        yield Path(path), arpa
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.arpa"
        with plain.open("wb") as copy:
            read_arpa(path, copy)
        yield plain, arpa


class _Lines:
    """The lines of a file with their numbers; knows whether the form of all that was read is plain."""

    def __init__(self, path: Path, copy: IO[bytes] | None):
        self.path, self.number, self.blanks, self.plain = path, 0, 0, True
        self.stream: IO[bytes] | None = None
        self._write = (lambda line: None) if copy is None else copy.write

    def next(self) -> bytes:
        """The next line that is not blank, without its end."""
        while True:
            line = self.stream.readline(LONGEST_LINE)
            self.number += 1
            if not line:
                raise self.fail("the file ends before \\end\\; it was cut off, copy or make it again")
            if len(line) == LONGEST_LINE:
                raise self.fail(f"is longer than {LONGEST_LINE} bytes; the file must be an ARPA language model")
            if line[-1:] == b"\n":
                line = line[:-1]
            if line and not line.isspace():
                return line
            self.blanks += 1

    def keep(self, line: bytes, form: bytes) -> None:
        """Note and copy the plain form of a line."""
        self.plain = self.plain and line == form
        self._write(form + b"\n")

    def end_section(self) -> None:
        """Copy a blank line."""
        self._write(b"\n")

    def fail(self, what: str) -> LanguageModelError:
        return LanguageModelError(f"{self.path}:{self.number}: {what}")

    def wrong(self, expected: str, line: bytes, cure: str) -> LanguageModelError:
        return self.fail(f"expected {expected}, found {shown(line)}; {cure}")


def shown(line: bytes) -> str:
    """The start of a line, for a message."""
    return repr(line[: 4 * SHOWN].decode("utf-8", errors="replace")[:SHOWN])


def _read(lines: _Lines, stream: IO[bytes]) -> Arpa:
    lines.stream = stream
    lines.plain = not isinstance(stream, gzip.GzipFile)
    counts, line = _read_counts(lines)
    words: dict[bytes, None] = {}
    for order, count in enumerate(counts, start=1):
        heading = f"\\{order}-grams:"
        if line.strip() != heading.encode():
            raise lines.wrong(heading, line, COUNTS)
        lines.keep(line, heading.encode())
        line = _read_section(lines, order, count, words, highest=order == len(counts))
        lines.end_section()
    if line.strip() != b"\\end\\":
        raise lines.wrong("\\end\\", line, COUNTS)
    lines.keep(line, b"\\end\\")
    lines.plain = lines.plain and not stream.read(1 << 12).strip()
    missing = {START.encode(), END.encode()} - words.keys()
    if missing:
        names = " ".join(sorted(name.decode() for name in missing))
        raise LanguageModelError(f"{lines.path}: \\1-grams: has no {names}; train it on whole sentences")
    return Arpa(len(counts), [word.decode("utf-8") for word in words], lines.plain)


def _read_counts(lines: _Lines) -> tuple[list[int], bytes]:
    """The numbers of n-grams that the head announces, and the line behind it."""
    first, at = lines.next(), lines.number
    line = first.removeprefix(b"\xef\xbb\xbf")
    lines.plain = lines.plain and line == first
    while line.strip() != b"\\data\\":
        try:
            line = lines.next()
        except LanguageModelError:
            lines.number = at
            raise lines.wrong("\\data\\", first, "the language model must be an ARPA text file") from None
        lines.plain = False
    lines.keep(line, b"\\data\\")
    counts, blanks = [], lines.blanks
    while match := COUNT.fullmatch((line := lines.next()).strip()):
        order = len(counts) + 1
        if int(match[1]) != order or order > HIGHEST_ORDER:
            raise lines.wrong(f"`ngram {order}=COUNT`", line, f"orders go up from 1, to {HIGHEST_ORDER} at most")
        lines.plain = lines.plain and lines.blanks == blanks
        counts.append(int(match[2]))
        lines.keep(line, b"ngram %d=%d" % (order, counts[-1]))
    if not counts or line.strip().startswith(b"ngram"):
        raise lines.wrong(f"`ngram {len(counts) + 1}=COUNT`", line, CURE)
    lines.plain = lines.plain and lines.blanks > blanks
    lines.end_section()
    return counts, line


def _read_section(lines: _Lines, order: int, count: int, words: dict[bytes, None], *, highest: bool) -> bytes:
    """Read the n-grams of an order; returns the line behind them. Unigrams are added to `words`."""
    backoff = b"" if highest else rb"(?:\t(" + NUMBER + rb"))?"
    plain = re.compile(rb"(" + NUMBER + rb")\t(" + WORD + (rb" " + WORD) * (order - 1) + rb")" + backoff)
    backoff = b"" if highest else rb"(?:" + GAP + rb"(" + NUMBER + rb"))?"
    loose = re.compile(rb"(" + NUMBER + rb")" + GAP + rb"(" + WORD + (GAP + WORD) * (order - 1) + rb")" + backoff)
    next_line, keep, blanks, before = lines.next, lines.keep, lines.blanks, lines.number
    hashes = array.array("q")
    for _ in range(count):
        line = next_line()
        if (match := plain.fullmatch(line)) is not None:
            ngram, form = match[2], line
        elif (match := loose.fullmatch(line.strip())) is not None:
            ngram = b" ".join(match[2].split())
            form = b"\t".join([match[1], ngram, *(part for part in match.groups()[2:] if part is not None)])
        else:
            what = f"a log10 probability, {order} words{'' if highest else ' and perhaps a log10 backoff weight'}"
            raise lines.wrong(what, line, f"numbers have a decimal point, and {COUNTS}")
        if not -math.inf < float(match[1]) <= 0:
            raise lines.fail(f"the log10 probability {match[1].decode()} is above 0 or infinite; {CURE}")
        if not highest and match[3] is not None and not math.isfinite(float(match[3])):
            raise lines.fail(f"the log10 backoff weight {match[3].decode()} is infinite; {CURE}")
        _check_words(lines, ngram, order, words)
        hashes.append(hash(ngram))
        keep(line, form)
    lines.plain = lines.plain and lines.blanks == blanks
    if (place := _repeated(hashes)) is not None:
        if lines.blanks == blanks:
            lines.number = before + 1 + place
        raise lines.fail(f"\\{order}-grams: has an n-gram twice, the second time as number {place + 1}; {CURE}")
    return next_line()


def _repeated(hashes: array.array) -> int | None:
    """The index of the first repeated n-gram, None for none; hashes of 64 bits do not collide by chance."""
    numbers = np.frombuffer(hashes, np.int64)
    order = np.argsort(numbers, kind="stable")
    again = order[1:][np.diff(numbers[order]) == 0]
    return int(again.min()) if len(again) else None


def _check_words(lines: _Lines, ngram: bytes, order: int, words: dict[bytes, None]) -> None:
    if order > 1:
        for word in ngram.split(b" "):
            if word not in words:
                raise lines.fail(f"{shown(word)} of {shown(ngram)} is not among the \\1-grams:; {CURE}")
        return
    try:
        word = ngram.decode("utf-8")
    except UnicodeDecodeError:
        raise lines.fail(f"{shown(ngram)} is not UTF-8; convert the file (iconv)") from None
    if ngram in words:
        raise lines.fail(f"\\1-grams: has {word!r} twice; {CURE}")
    words[ngram] = None
