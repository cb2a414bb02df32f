"""Folders that one process writes at a time, and that no process reads before they are complete.

File systems without flock (Lustre mounted without -o flock) cannot keep a second writer out; all else holds there too.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.files import TEMPORARY, remove_leftovers

MARK = ".incomplete"  # in a folder that is being made; holds command and process, and is locked while that works
LOCK = ".lock"  # in a folder that stays readable while a command works in it

_making: set[Path] = set()  # folders that this process makes, which it and its workers may read


class FolderInUse(NrsrError):
    """Another process writes to this folder."""


class IncompleteFolder(NrsrError):
    """A folder whose command is still running, or was stopped before it had finished."""


@contextmanager
def making(folder: str | Path, command: str, *, anew: bool = True) -> Iterator[None]:
    """Make or change a folder: it is marked as incomplete until the block ends well, and no other process may write.

    After an exception the mark stays, unless no file in the folder has changed: then its contents are as before.

    Args:
        command: "nrsr mix" or another, for messages.
        anew: whether the command makes all that readers need. One that only adds something refuses a folder that
            another command has left incomplete.

    Raises:
        FolderInUse: another process makes the folder.
        IncompleteFolder: see `anew`.
    """
    folder = Path(folder)
    is_new = not folder.exists()
    if folder.resolve() in _making or (is_new and not anew):
        yield  # the block finds out what there is not
        return
    folder.mkdir(parents=True, exist_ok=True)
    with _only_process(folder, MARK, command) as descriptor:
        before = os.pread(descriptor, 1000, 0)
        if not anew and before and _command(before) != command:
            raise IncompleteFolder(_stopped(folder, before))
        _write_mark(descriptor, f"{command}\n{os.getpid()}\n".encode())
        remove_leftovers(folder)
        contents = _files(folder)
        _making.add(folder.resolve())
        try:
            yield
        except BaseException:
            if _files(folder) == contents:
                if before:
                    _write_mark(descriptor, before)
                else:
                    (folder / MARK).unlink()
                if is_new:
                    with suppress(OSError):  # not empty: marked, or with empty folders in it
                        folder.rmdir()
            raise
        finally:
            _making.discard(folder.resolve())
        (folder / MARK).unlink()


def refuse_incomplete(folder: str | Path) -> None:
    """Refuse a folder that is not whole, or that lies in one.

    Raises:
        IncompleteFolder: with the command that makes it.
    """
    for place in (Path(folder), Path(folder).absolute().parent):
        try:
            mark = (place / MARK).read_bytes()
        except OSError:
            continue
        if place.resolve() not in _making and not _is_parents(place / MARK, mark):
            raise IncompleteFolder(_stopped(place, mark))


@contextmanager
def alone_in(folder: str | Path, command: str) -> Iterator[None]:
    """Keep other processes that call this out of a folder, which stays readable.

    Raises:
        FolderInUse: another process is in it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _only_process(folder, LOCK, command):
        yield


@contextmanager
def _only_process(folder: Path, name: str, command: str) -> Iterator[int]:
    """Hold the lock of a file in a folder, if it can be locked; the system frees it however the process ends.

    Yields:
        the descriptor of the file, which is made if it is missing.
    """
    while True:
        try:
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            error.filename = str(folder)
            raise
        try:
            if _lock(descriptor) is False:
                name = _command(os.pread(descriptor, 1000, 0)) or command
                raise FolderInUse(f"{folder}: another {name} works here; wait until it has finished, or name another")
            if not os.fstat(descriptor).st_nlink:  # its holder has finished and removed it meanwhile
                continue
            yield descriptor
            return
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Lock an open file; False where another process holds the lock, None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _command(mark: bytes) -> str:
    """The command that a mark names, "" where it was killed before it had written that."""
    return mark.partition(b"\n")[0].decode("utf-8", "replace").strip()


def _is_parents(path: Path, mark: bytes) -> bool:
    """Whether the mark is that of the process that has started this one, and still works (if files can be locked)."""
    if mark.split(b"\n")[1:2] != [str(os.getppid()).encode()]:
        return False
    try:
        with open(path, "r+b") as stream:  # NFS locks no file that is open for reading alone
            return _lock(stream.fileno()) is not True
    except OSError:
        return False


def _write_mark(descriptor: int, content: bytes) -> None:
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))


def _files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """State of each file below a folder (size and time), temporary files left out."""
    states = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name not in (MARK, LOCK) and not TEMPORARY.fullmatch(name):
                with suppress(FileNotFoundError):
                    about = os.lstat(os.path.join(place, name))
                    states[os.path.join(place, name)] = (about.st_ino, about.st_mtime_ns, about.st_size)
    return states


def _stopped(folder: Path, mark: bytes) -> str:
    """The message about an incomplete folder."""
    name = _command(mark) or "the command that makes it"
    return (
        f"{folder}: is incomplete, since {name} has not finished; wait for it, or run it again if it was stopped "
        f"({folder / MARK} marks the folder)"
    )
