"""Bytes for the readers of arks and audio: files, gzip, standard input and, when allowed, pipes."""

import gzip
import io
import subprocess
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

from nrsr.errors import NrsrError

CHUNK = 1 << 24
# What Python and numpy raise over bytes that are not what they say; readers turn them into named errors.
READ_FAILURES = (OSError, EOFError, ValueError, OverflowError, MemoryError, zlib.error)


class StreamError(NrsrError):
    """A source of bytes that cannot be opened, or a program in a pipe that failed."""


class Truncated(NrsrError):
    """Fewer bytes came than a header announced; the caller adds file and key."""


def take(stream: BinaryIO, count: int) -> bytes:
    """Read exactly `count` bytes.

    They are read in chunks of 16 MiB, so that a corrupt header that announces terabytes meets the
    end of the file before it meets the end of the memory.

    Raises:
        Truncated: the stream ends before.
    """
    if count <= CHUNK:
        content = stream.read(count)
    else:
        pieces, missing = [], count
        while missing > 0 and (piece := stream.read(min(missing, CHUNK))):
            pieces.append(piece)
            missing -= len(piece)
        content = b"".join(pieces)
    if len(content) != count:
        raise Truncated(f"{count} bytes are announced but only {len(content)} follow; the file is truncated or corrupt")
    return content


def is_pipe(entry: str) -> bool:
    """Whether a right-hand side of an scp is a command (`program arguments |`)."""
    return entry.endswith("|") or entry.startswith("|")


def run_pipe(command: str, allow_pipes: bool) -> bytes:
    """What a command of an scp writes to its standard output; its stderr goes to the user's.

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
