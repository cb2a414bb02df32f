"""Sizes and SHA-256 of a folder's files, written beside them and checked where they are read."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.files import cure_of
from nrsr.kaldi.lists import read_list, split_words, write_list

CHECKSUMS = "checksums"  # file name, number of bytes and SHA-256 a line


class ChecksumError(NrsrError):
    """A file is not the one that was written with its folder; names it and the cure."""


def write_checksums(folder: str | Path, names: Iterable[str]) -> None:
    """Write the list of files (paths below the folder, those that are there); last, when all are in their places."""
    folder = Path(folder)
    rows = {}
    for name in names:
        if (folder / name).is_file():
            content = (folder / name).read_bytes()
            rows[name] = f"{len(content)} {hashlib.sha256(content).hexdigest()}"
    write_list(folder / CHECKSUMS, rows)


class Checksums:
    """The list of a folder; a folder without one, such as Kaldi's own, is taken as it is."""

    def __init__(self, folder: str | Path):
        """Raises ChecksumError where the list itself is damaged."""
        self._folder = Path(folder)
        self._rows: dict[str, tuple[int, str]] = {}
        if not (self._folder / CHECKSUMS).is_file():
            return
        for name, value in read_list(self._folder / CHECKSUMS).items():
            columns = split_words(value)
            if len(columns) != 2 or not (columns[0].isascii() and columns[0].isdigit()) or len(columns[0]) > 18:
                raise ChecksumError(f"{self._folder / CHECKSUMS}: {name!r} needs a size and a SHA-256; {_cure(self)}")
            self._rows[name] = int(columns[0]), columns[1]

    @property
    def names(self) -> list[str]:
        """The files that are listed."""
        return list(self._rows)

    @property
    def folder(self) -> Path:
        """The folder whose files the sums are of."""
        return self._folder

    def check(self, name: str, content: bytes) -> None:
        """Refuse content that is not what was written as `name`; what is not listed passes.

        Raises:
            ChecksumError: another size or other bytes.
        """
        if name not in self._rows:
            return
        size, digest = self._rows[name]
        path = self._folder / name
        if len(content) != size:
            raise ChecksumError(f"{path}: has {len(content)} bytes, {size} were written; {_cure(self)}")
        if hashlib.sha256(content).hexdigest() != digest:
            raise ChecksumError(f"{path}: its bytes are not those that were written; {_cure(self)}")

    def check_files(self, names: Iterable[str]) -> None:
        """Refuse listed files that are missing or changed.

        Raises:
            ChecksumError: the first one.
        """
        for name in names:
            try:
                content = (self._folder / name).read_bytes()
            except OSError as error:
                raise ChecksumError(f"{self._folder / name}: {error.strerror}; {cure_of(error, _cure(self))}") from None
            self.check(name, content)


def _cure(checksums: Checksums) -> str:
    return f"make {checksums.folder} anew, or, if the change is meant, remove {CHECKSUMS} there and it is read as it is"
