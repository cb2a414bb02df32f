"""The same work on many items, in this process or in several: one thread each, results in the order of the items."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from nrsr.errors import NrsrError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item], Result]
# What libraries of linear algebra read when they are loaded; torch's threads can be set later too, numpy's cannot.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AHEAD = 4  # items per process that may be handed out before their results are taken, so that memory stays bounded


class WorkerError(NrsrError):
    """A number of processes below 1, or a process that died."""


def run_work(make_work: Callable[[], Work], items: Sequence[Item], nj: int) -> Iterator[Result]:
    """Yield the result of each item, in their order.

    Args:
        make_work: called once in each process; what it returns takes an item. Both must be picklable for nj > 1.
        nj: processes; 1 works in this process. Results do not depend on it.

    Raises:
        WorkerError: `nj` below 1, or a process was killed. Whatever an item raises comes out as it is.
    """
    if nj < 1:
        raise WorkerError(f"--nj {nj}: that is no number of processes; take 1 or more")
    if nj == 1 or len(items) <= 1:
        with _one_thread():
            if items:
                yield from map(make_work(), items)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in an unusable state
    pool = ProcessPoolExecutor(min(nj, len(items)), context, initializer=_prepare, initargs=(make_work,))
    try:
        waiting: deque[Future] = deque()
        for item in items:
            with one_thread_for_children():  # submit starts processes
                waiting.append(pool.submit(_run, item))
            if len(waiting) >= AHEAD * nj:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died, perhaps for lack of memory; nothing was written, try a smaller --nj"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread_for_children() -> Iterator[None]:
    """Set the environment such that processes spawned in the block use one thread each for linear algebra."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread and no denormal numbers, as in the workers, so that one process gives the same sums."""
    import torch  # here, since `nrsr prepare` of any corpus would wait a second for it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


# In a worker process: how to make its work, and the work once it is made. It is made with the first item, since an
# error in the initialiser would reach the user as a broken pool without its reason.
_worker: dict[str, Callable] = {}


def _prepare(make_work: Callable[[], Work]) -> None:
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    _worker["make"] = make_work


def _run(item: Any) -> Any:
    if "work" not in _worker:
        _worker["work"] = _worker["make"]()
    return _worker["work"](item)
