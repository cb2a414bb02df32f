"""Language models in ARPA files: checked line by line, then read by the KenLM that flashlight-text brings."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from nrsr.errors import NrsrError

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
LOWEST_ORDER, HIGHEST_ORDER = 2, 6  # KenLM's own limits, fixed when it is compiled


class LanguageModelError(NrsrError):
    """A language model file is missing, not in ARPA form, or does not fit the recogniser."""


class _Lines:
    """The lines of a file with their numbers; `fail` names the line that was read last."""

    def __init__(self, path: Path, stream):
        self.path, self.stream, self.number = path, stream, 0

    def next(self, *, blank: bool = False) -> bytes:
        """The next line without its end; blank ones are passed over unless asked for."""
        for line in self.stream:
            self.number += 1
            line = line.rstrip(b"\n")
            if line.endswith(b"\r"):
                raise self.fail("ends in a carriage return; turn the file's line ends into \\n (dos2unix)")
            if blank or line.strip():
                return line
        self.number += 1
        raise self.fail("the file ends before \\end\\; it was cut off, copy or make it again")

    def fail(self, what: str) -> LanguageModelError:
        return LanguageModelError(f"{self.path}:{self.number}: {what}")


def read_vocabulary(path: str | Path) -> list[str]:
    """Check an ARPA file from end to end as strictly as KenLM reads it, and return its unigrams in their order.

    Raises:
        LanguageModelError: no such file, or the first line that is wrong, by its number.
    """
    path = Path(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise LanguageModelError(f"{path}: {error.strerror}; name an ARPA file, as nrsr make-lm writes it") from error
    with stream:
        lines = _Lines(path, stream)
        counts = _read_counts(lines)
        words: list[str] = []
        for order, count in enumerate(counts, start=1):
            _expect(lines, f"\\{order}-grams:")
            for _ in range(count):
                entry = _read_entry(lines, order, highest=order == len(counts))
                if order == 1:
                    words.append(entry)
        _expect(lines, "\\end\\")
    missing = {START, END} - set(words)
    if missing:
        raise LanguageModelError(f"{path}: \\1-grams: has no {' '.join(sorted(missing))}; train it on whole sentences")
    if len(set(words)) != len(words):
        twice = next(word for number, word in enumerate(words) if word in words[:number])
        raise LanguageModelError(f"{path}: \\1-grams: has {twice!r} twice; make the file again")
    return words


def _read_counts(lines: _Lines) -> list[int]:
    first = lines.next()
    if first.startswith(b"\x1f\x8b"):
        raise lines.fail("is compressed; unpack it first (gunzip)")
    if first.strip() != b"\\data\\":
        raise lines.fail(f"expected \\data\\, found {_shown(first)}; the language model must be an ARPA text file")
    counts: list[int] = []
    line = lines.next()
    while True:
        key, _, value = line.partition(b"=")
        if key.split() != [b"ngram", str(len(counts) + 1).encode()] or not value.strip().isdigit():
            raise lines.fail(f"expected `ngram {len(counts) + 1}=COUNT`, found {_shown(line)}")
        counts.append(int(value))
        if len(counts) > HIGHEST_ORDER:
            raise lines.fail(f"KenLM reads n-grams up to {HIGHEST_ORDER}; make the model with --order {HIGHEST_ORDER}")
        line = lines.next(blank=True)
        if not line.strip():
            break
    if len(counts) < LOWEST_ORDER:
        raise lines.fail(f"KenLM reads n-grams from {LOWEST_ORDER}; make the model with --order {LOWEST_ORDER} or more")
    return counts


def _read_entry(lines: _Lines, order: int, *, highest: bool) -> str:
    """One `log10 probability<TAB>words[<TAB>log10 backoff]` line; returns its words."""
    line = lines.next(blank=True)
    fields = line.split(b"\t")
    try:
        numbers = [float(field) for field in (fields[0], *fields[2:])]
    except ValueError:
        numbers = []
    if not 2 <= len(fields) <= (2 if highest else 3) or not numbers:
        raise lines.fail(
            f"expected probability<TAB>{order} words{'' if highest else '[<TAB>backoff]'}, found {_shown(line)};"
            " fields are separated by tabs, words by one space, and the counts of \\data\\ must be right"
        )
    if not numbers[0] <= 0:
        raise lines.fail(f"the log10 probability {numbers[0]} is above 0")
    try:
        words = fields[1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise lines.fail(f"{_shown(line)} is not UTF-8; convert the file (iconv)") from error
    if len(words.split(" ")) != order or not all(words.split(" ")):
        raise lines.fail(f"expected {order} words separated by single spaces, found {words!r}")
    return words


def _expect(lines: _Lines, heading: str) -> None:
    line = lines.next()
    if line.strip() != heading.encode():
        raise lines.fail(f"expected {heading}, found {_shown(line)}; the counts under \\data\\ must be right")


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", errors="replace"))


def load_kenlm(path: str | Path, symbols: Sequence[str]) -> KenLM:
    """A KenLM whose word ids are places in `symbols`; those that the file lacks score as its `<unk>`.

    KenLM's scores are log10; multiply by ln 10 beside natural logarithms.
    Call `read_vocabulary` before: KenLM's own messages name no line.
    """
    with _quiet():
        try:
            return KenLM(str(path), Dictionary(list(symbols)))
        except Exception as error:
            raise LanguageModelError(f"{path}: KenLM cannot read it: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep KenLM's progress bars, which it writes to file descriptor 2 itself, out of the logs."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
