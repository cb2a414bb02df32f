"""Being told to stop, and keeping a second training out of the same folder."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nrsr.errors import NrsrError


class TrainingStopped(NrsrError):
    """A training was told to stop; the same command resumes it."""


class FolderInUse(NrsrError):
    """Another training writes to this experiment folder."""


class StopSignal:
    """Notes SIGTERM and Ctrl-C, so that the loop can save before it ends; a second one ends it at once."""

    def __init__(self) -> None:
        self.name = ""

    def __enter__(self) -> "StopSignal":
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self.name = signal.Signals(number).name
        self.__exit__()


@contextmanager
def only_training_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it however the process ends.

    Raises:
        FolderInUse: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(f"{folder}: another nrsr train works here; wait for it, or use another --exp") from error
        yield
