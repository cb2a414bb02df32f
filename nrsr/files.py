"""Writing files so that a crash never leaves half a file under the final name."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_open(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Open `path` for writing under a temporary name beside it, and rename when the block ends well.

    Args:
        path: final name; missing parent folders are made.
        mode: "w" (UTF-8 text, `\\n` line ends) or "wb".

    An exception inside the block, a full disk included, removes the temporary file and leaves
    whatever stood under `path` before. The OSError of a full disk, which has no file name of its own, gets `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(temporary, mode, **text) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def atomic_copy(source: str | Path, path: str | Path) -> None:
    """Copy a file's content to `path`, as atomic_open writes."""
    with open(source, "rb") as content, atomic_open(path, "wb") as stream:
        shutil.copyfileobj(content, stream)
