"""Signals that stop a training after it has been saved."""

import signal

from nrsr.errors import NrsrError


class TrainingStopped(NrsrError):
    """A training was stopped by a signal; the same command resumes it."""


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
