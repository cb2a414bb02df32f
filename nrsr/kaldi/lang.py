"""Kaldi's lang folder without its FSTs: phones, words and their properties, read, generated and written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.folders import refuse_incomplete
from nrsr.kaldi.checksums import Checksums
from nrsr.kaldi.lexicon import DISAMBIGUATION
from nrsr.kaldi.lists import read_lines, split_words
from nrsr.kaldi.symbols import EPSILON, read_symbols, write_symbols

WORD_DISAMBIGUATION = "#0"  # on the backing-off arcs of G


class LangError(NrsrError):
    """A lang folder that is incomplete or contradicts itself; names file and cure."""


class Root(NamedTuple):
    """A line of roots.txt: phones whose states share a decision tree.

    Attributes:
        shared: whether the states of the HMM start at one root together.
        split: whether the tree may grow from there.
    """

    shared: bool
    split: bool
    phones: list[int]


@dataclass(frozen=True)
class Lang:
    """The contents of a lang folder. Phones and words are numbers unless said otherwise.

    Attributes:
        phones, words: symbol -> number; both with `<eps>` and the disambiguation symbols, words with `<s>` and `</s>`.
        oov: the word (as a string) that stands for all words without a pronunciation.
        silence, nonsilence, disambiguation: phones of each kind, ascending.
        optional_silence: the phone that may occur between words.
        sets: phones that count as one when questions are clustered.
        roots: which phones share a decision tree.
        questions: sets of phones that the tree may ask for, beside the automatic ones.
        word_boundary: phone -> nonword, begin, end, internal or singleton; empty without positions.
        topo: text of the topo file.
    """

    phones: dict[str, int]
    words: dict[str, int]
    oov: str
    silence: list[int]
    nonsilence: list[int]
    optional_silence: int
    disambiguation: list[int]
    sets: list[list[int]]
    roots: list[Root]
    questions: list[list[int]]
    word_boundary: dict[int, str]
    topo: str

    @property
    def oov_id(self) -> int:
        """The number of the word for all unknown words."""
        return self.words[self.oov]

    @property
    def phone_ids(self) -> list[int]:
        """All phones that have an HMM, ascending."""
        return sorted([*self.silence, *self.nonsilence])

    def write(self, folder: str | Path) -> None:
        """Write everything but the FSTs, in Kaldi's names and forms (.txt, .int, .csl)."""
        folder = Path(folder)
        write_symbols(folder / "phones.txt", self.phones)
        write_symbols(folder / "words.txt", self.words)
        _write(folder / "topo", [self.topo.rstrip("\n")])
        _write(folder / "oov.txt", [self.oov])
        _write(folder / "oov.int", [self.oov_id])
        lists = {
            "silence": self.silence,
            "nonsilence": self.nonsilence,
            "optional_silence": [self.optional_silence],
            "disambig": self.disambiguation,
            "context_indep": self.silence,
        }
        for name, phones in lists.items():
            self._write_phones(folder, name, ([phone] for phone in phones))
            _write(folder / "phones" / f"{name}.csl", [":".join(map(str, phones))])
        self._write_phones(folder, "sets", self.sets)
        self._write_phones(folder, "extra_questions", self.questions)
        kinds = [
            ("shared" if root.shared else "not-shared", "split" if root.split else "not-split") for root in self.roots
        ]
        self._write_phones(folder, "roots", (root.phones for root in self.roots), before=kinds)
        if self.word_boundary:
            after = [(kind,) for kind in self.word_boundary.values()]
            self._write_phones(folder, "word_boundary", ([phone] for phone in self.word_boundary), after=after)
        _write(folder / "phones" / "wdisambig.txt", [WORD_DISAMBIGUATION])
        _write(folder / "phones" / "wdisambig_phones.int", [self.phones[WORD_DISAMBIGUATION]])
        _write(folder / "phones" / "wdisambig_words.int", [self.words[WORD_DISAMBIGUATION]])

    def _write_phones(
        self,
        folder: Path,
        name: str,
        lines: Iterable[Sequence[int]],
        before: Sequence[tuple[str, ...]] | None = None,
        after: Sequence[tuple[str, ...]] | None = None,
    ) -> None:
        """Write lines of phones once as names and once as numbers, with constant columns before or after them."""
        lines = list(lines)
        before, after = before or [()] * len(lines), after or [()] * len(lines)
        names = {number: phone for phone, number in self.phones.items()}
        rows = list(zip(before, lines, after, strict=True))
        _write(folder / "phones" / f"{name}.txt", (" ".join([*a, *(names[i] for i in b), *c]) for a, b, c in rows))
        _write(folder / "phones" / f"{name}.int", (" ".join([*a, *map(str, b), *c]) for a, b, c in rows))

    @classmethod
    def load(cls, folder: str | Path) -> "Lang":
        """Read a lang folder, made here or by Kaldi.

        Raises:
            ChecksumError: a file has changed since the folder was made.
            LangError, ListError: a file is missing, or names what phones.txt or words.txt do not have.
        """
        folder = Path(folder)
        refuse_incomplete(folder)
        if not (folder / "phones.txt").is_file():
            raise LangError(f"{folder}: is no lang folder, it has no phones.txt; make one with nrsr prepare-lang")
        checksums = Checksums(folder)
        checksums.check_files(name for name in checksums.names if not name.endswith(".fst"))
        phones, words = read_symbols(folder / "phones.txt"), read_symbols(folder / "words.txt")
        oov = " ".join(word for _, line in read_lines(folder / "oov.txt") for word in split_words(line))
        if oov not in words:
            raise LangError(f"{folder}/oov.txt: {oov!r} is no word of words.txt; make the folder anew")
        read = _PhoneReader(folder / "phones", set(phones.values()))
        optional = read.flat("optional_silence")
        if len(optional) != 1:
            raise LangError(f"{folder}/phones/optional_silence.int: must hold one phone; make the folder anew")
        boundary = read.rows("word_boundary", optional=True, after=1)
        return cls(
            phones=phones,
            words=words,
            oov=oov,
            silence=sorted(read.flat("silence")),
            nonsilence=sorted(read.flat("nonsilence")),
            optional_silence=optional[0],
            disambiguation=sorted(number for phone, number in phones.items() if DISAMBIGUATION.fullmatch(phone)),
            sets=[ids for _, ids in read.rows("sets")],
            roots=[Root(kind[0] == "shared", kind[1] == "split", ids) for kind, ids in read.rows("roots", before=2)],
            questions=[ids for _, ids in read.rows("extra_questions", optional=True)],
            word_boundary={ids[0]: kind[0] for kind, ids in boundary},
            topo="".join(f"{line}\n" for _, line in read_lines(folder / "topo")),
        )


class _PhoneReader:
    """Reads the .int files of the folder phones/."""

    def __init__(self, folder: Path, known: set[int]):
        self._folder, self._known = folder, known

    def rows(
        self, name: str, *, optional: bool = False, before: int = 0, after: int = 0
    ) -> list[tuple[list[str], list[int]]]:
        """Of each line: the columns before and after the phones, and the phones."""
        path = self._folder / f"{name}.int"
        if optional and not path.is_file():
            return []
        rows = []
        for number, line in read_lines(path):
            columns = split_words(line)
            if optional and not columns:
                continue  # Kaldi's own extra_questions may have them
            last = len(columns) - after
            words, ids = columns[:before] + columns[last:], columns[before:last]
            if not ids or not all(column.isdigit() and int(column) in self._known for column in ids):
                raise LangError(f"{path}:{number}: holds no phones of phones.txt alone; make the folder anew")
            rows.append((words, list(map(int, ids))))
        return rows

    def flat(self, name: str) -> list[int]:
        return [phone for _, ids in self.rows(name) for phone in ids]


def _write(path: Path, lines: Iterable[object]) -> None:
    with atomic_open(path) as stream:
        stream.writelines(f"{line}\n" for line in lines)


def real_words(words: Iterable[str]) -> list[str]:
    """The words of a words.txt that can be said: without epsilon, sentence marks and disambiguation symbols."""
    return [word for word in words if word not in (EPSILON, "<s>", "</s>") and not DISAMBIGUATION.fullmatch(word)]
