"""Work that keeps its data: the same object in each of several processes, asked again and again.

EM passes over the same utterances dozens of times, and decoding graphs cannot be sent to another process; so each
process reads its share of the utterances once and holds it, which nrsr.workers' pools of one pass do not do.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

import torch

from nrsr.workers import WorkerError, one_thread_for_children


class WorkerPool:
    """One object per part, in processes of their own; a single part stays in this process.

    Args:
        make: called with each part, gives the object; picklable.
        parts: arguments of `make`, picklable, one for each process.
    """

    def __init__(self, make: Callable[[Any], Any], parts: Sequence[Any]):
        self._make, self._parts = make, parts
        self._here: Any = None
        self._running: list[tuple[Any, Connection]] = []

    def __enter__(self) -> "WorkerPool":
        if len(self._parts) == 1:
            self._here = self._make(self._parts[0])
            return self
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in an unusable state
        for part in self._parts:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._make, part), daemon=True)
            with one_thread_for_children():
                process.start()
            theirs.close()
            self._running.append((process, ours))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process, pipe in self._running:
            pipe.close()
            if kind is not None:
                process.terminate()
        for process, _ in self._running:
            process.join()
        self._running, self._here = [], None

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every object; returns what they return, in the order of the parts.

        Raises:
            WorkerError: a process died. Whatever a method raises comes out as it is.
        """
        if self._here is not None:
            return [getattr(self._here, method)(*arguments)]
        try:
            for _, pipe in self._running:
                pipe.send((method, arguments))
            answers = [pipe.recv() for _, pipe in self._running]
        except (EOFError, OSError):
            raise WorkerError("a process died, perhaps for lack of memory; try again with a smaller --nj") from None
        for worked, answer in answers:
            if not worked:
                raise answer
        return [answer for _, answer in answers]


def _serve(pipe: Connection, make: Callable[[Any], Any], part: Any) -> None:
    """A process: makes its object and answers until the other side closes the pipe."""
    torch.set_num_threads(1)
    keeper = None
    while True:
        try:
            method, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            keeper = make(part) if keeper is None else keeper
            answer = True, getattr(keeper, method)(*arguments)
        except KeyboardInterrupt:
            return
        except Exception as error:  # sent back, and raised where the question was asked
            answer = False, error
        try:
            pipe.send(answer)
        except OSError:  # nobody listens any more
            return
