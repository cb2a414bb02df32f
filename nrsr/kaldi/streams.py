"""Bytes for the readers of arks and audio: files, gzip, standard input and, when allowed, pipes."""

import errno
import gzip
import io
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

from nrsr.errors import NrsrError

CHUNK = 1 << 24
LIMIT_VARIABLE = "NRSR_MAX_ENTRY_GIB"
LIMIT_GIB = 4.0  # what one entry of a table, one recording or one compressed model may unpack to
DENIED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EMFILE, errno.ENFILE)
# What Python and numpy raise over bytes that are not what they say; readers turn them into named errors.
READ_FAILURES = (OSError, EOFError, ValueError, OverflowError, MemoryError, zlib.error)


class StreamError(NrsrError):
    """A source of bytes that cannot be opened, or a program in a pipe that failed."""


class Truncated(NrsrError):
    """Fewer bytes came than a header announced; the caller adds file and key."""


def entry_limit() -> int:
    """Bytes that one object, recording or compressed model may have in memory, LIMIT_VARIABLE or 4 GiB.

    A megabyte of gzip or FLAC can unpack to any size, and a corrupt header can announce one.

    Raises:
        StreamError: the variable is no number above 0.
    """
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        gib = float(text) if text else LIMIT_GIB
    except ValueError:
        gib = 0.0
    if not 0.0 < gib < float("inf"):
        raise StreamError(f"{LIMIT_VARIABLE}={text}: is no number of GiB above 0, such as 4; correct it or unset it")
    return int(gib * (1 << 30))


def check_limit(count: int) -> None:
    """Refuse an object of so many bytes, before memory is asked for.

    Raises:
        StreamError: it is above the limit.
    """
    if count > CHUNK and count > (limit := entry_limit()):
        raise StreamError(
            f"takes {count} bytes of memory or more, over the {limit} that one entry may; it is corrupt, or set "
            f"{LIMIT_VARIABLE} above {count / (1 << 30):.2g}"
        )


def failure_reason(error: BaseException) -> str:
    """The reason of a READ_FAILURE, and the cure."""
    if isinstance(error, MemoryError):
        return "does not fit into memory; free some, or cut it into parts"
    if isinstance(error, OSError) and error.errno in DENIED:
        return f"cannot be read ({error.strerror}); check the path and its permissions"
    reason = getattr(error, "strerror", None) or error or type(error).__name__
    return f"cannot be read ({reason}); the file is corrupt or the disk fails"


def take(stream: BinaryIO, count: int) -> bytes:
    """Read exactly `count` bytes.

    They are read in chunks of 16 MiB, so that a corrupt header that announces terabytes meets the
    end of the file before it meets the end of the memory.

    Raises:
        Truncated: the stream ends before; StreamError: there are more than one entry may have.
    """
    content = take_up_to(stream, count)
    if len(content) != count:
        raise Truncated(f"{count} bytes are announced but only {len(content)} follow; the file is truncated or corrupt")
    return content


def take_up_to(stream: BinaryIO, count: int | None) -> bytes:
    """Read `count` bytes, fewer where the stream ends before; None reads all.

    Raises:
        StreamError: there are more than one entry may have.
    """
    if count is not None and count <= CHUNK:
        return stream.read(count)
    pieces, read = [], 0
    while piece := stream.read(CHUNK if count is None else min(count - read, CHUNK)):
        pieces.append(piece)
        read += len(piece)
        check_limit(read)
    return b"".join(pieces)


def skip(stream: BinaryIO, count: int) -> None:
    """Go over `count` bytes without keeping them.

    Raises:
        Truncated: the stream ends before.
    """
    missing = count
    while missing > 0 and (piece := stream.read(min(missing, CHUNK))):
        missing -= len(piece)
    if missing > 0:
        raise Truncated(f"{count} bytes are announced but only {count - missing} follow; the file is truncated")


def is_pipe(entry: str) -> bool:
    """Whether a right-hand side of an scp is a command (`program arguments |`)."""
    return entry.endswith("|") or entry.startswith("|")


def run_pipe(command: str, allow_pipes: bool) -> bytes:
    """The standard output of a command of an scp; its stderr goes to the user's.

    Raises:
        StreamError: pipes are not allowed, or the program fails.
    """
    if not allow_pipes:
        raise StreamError(f"{command!r} is a command; pass --allow-pipes (allow_pipes=True) if you trust this data")
    if command.startswith("|"):
        raise StreamError(f"{command!r} is a pipe to write into; a pipe to read from ends in |")
    done = subprocess.run(command[:-1], shell=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise StreamError(f"{command!r} failed with status {done.returncode}; run it by hand to see why")
    return done.stdout


def open_source(name: str, allow_pipes: bool = False) -> BinaryIO:
    """Open a file, a `.gz` file, `-` (standard input) or `command |` for reading bytes.

    Raises:
        StreamError: nothing there to be opened.
    """
    if is_pipe(name):
        return io.BytesIO(run_pipe(name, allow_pipes))
    if name == "-":
        return sys.stdin.buffer
    try:
        return gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb")
    except FileNotFoundError:
        raise StreamError(
            f"{name}: there is no such file; relative paths start from the current folder {Path.cwd()}"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StreamError(f"{name}: cannot be read ({reason}); check the path and its permissions") from None
