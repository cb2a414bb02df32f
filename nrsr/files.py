"""Writing files so that a crash never leaves half a file under the final name, nor writes through a link."""

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nrsr.errors import NrsrError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
ROOM = "make room and run the same command again"
PERMISSIONS = "check the permissions of the file and of its folder"
TEMPORARY = re.compile(r"\..+\.[0-9a-f]+\.tmp")
KEPT = 50  # letters of a file's name that its temporary name has: names end at 255 bytes

_cleared: set[Path] = set()  # folders to which this process has written, after it removed the leftovers in them


class LinkError(NrsrError):
    """A file that is appended to is a link."""


def cure_of(error: OSError, otherwise: str = "") -> str:
    """The cure for a failure of the disk; `otherwise` where it is neither lack of space nor of permissions."""
    return ROOM if error.errno in NO_ROOM else PERMISSIONS if error.errno in NOT_ALLOWED else otherwise


@contextmanager
def atomic_open(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Open `path` for writing under a temporary name beside it, and rename when the block ends well.

    Args:
        path: final name; missing parent folders are created.
        mode: "w" (UTF-8 text, `\\n` line ends) or "wb".

    An exception inside the block, a full disk included, removes the temporary file and leaves
    whatever was under `path` before. The OSError of a full disk, which has no file name of its own, gets `path`.
    """
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with _temporary_file(Path(path)) as (descriptor, _), open(descriptor, mode, closefd=False, **text) as stream:
        yield stream


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """The name of an empty temporary file, for a library that opens files itself; otherwise as atomic_open."""
    with _temporary_file(Path(path)) as (_, temporary):
        yield temporary


@contextmanager
def _temporary_file(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside `path` (descriptor, name), brought to the disk and renamed when the block ends well."""
    with names_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if (folder := path.parent.absolute()) not in _cleared:
            _cleared.add(folder)
            _remove_leftovers_in(folder)
        descriptor, temporary = _create_locked(path)
        try:
            yield descriptor, temporary
            os.fsync(descriptor)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(descriptor)


def _create_locked(path: Path) -> tuple[int, Path]:
    """Create a file under an unpredictable name, and lock it as long as its writer lives."""
    while True:
        temporary = path.with_name(f".{path.name[:KEPT]}.{secrets.token_hex(8)}.tmp")
        try:
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            error.filename = str(path)  # the temporary name would mean nothing to the user
            raise
        with suppress(OSError):  # a file system without locks, where leftovers are never removed
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, temporary
        os.close(descriptor)  # another process took it for a leftover in the moment before it was locked


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes have left in a folder and below.

    Whoever writes a temporary file holds its lock, which the system frees however the process ends.
    """
    for place, _, _ in os.walk(folder):
        _remove_leftovers_in(Path(place))


def _remove_leftovers_in(folder: Path) -> None:
    for entry in os.scandir(folder):
        if TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(OSError):  # locked: its writer lives
                descriptor = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(entry.path)
                finally:
                    os.close(descriptor)


@contextmanager
def names_file(path: str | Path) -> Iterator[None]:
    """Give the OSError of a full disk, which has no file name of its own, the name `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise


def open_to_append(path: str | Path) -> IO[str]:
    """Open a log at its end, written line by line.

    Raises:
        LinkError: the file is a link, which may lead out of the folder.
        OSError: with the file's name.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, 0o666)

    try:
        return open(path, "a", encoding="utf-8", buffering=1, opener=opener)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkError(f"{path}: is a link, and logs are not written through links; remove it") from None
        raise


def open_anew(path: str | Path) -> IO[str]:
    """Open a log that begins anew; an old log that is a link is removed, not its target."""
    Path(path).unlink(missing_ok=True)
    return open_to_append(path)


def atomic_copy(source: str | Path, path: str | Path) -> None:
    """Copy a file's content to `path`, as atomic_open writes."""
    with open(source, "rb") as content, atomic_open(path, "wb") as stream:
        shutil.copyfileobj(content, stream)
