"""Work on batches of utterances in one process or several, with the same result."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from nrsr.errors import NrsrError
from nrsr.kaldi import DataDir, DataDirError

Result = TypeVar("Result")
Work = Callable[[list[str]], Result]
BATCH_SECONDS = 300.0  # padded seconds in a batch, so that long utterances do not fill the memory


class WorkerError(NrsrError):
    """A worker process died."""


def check_audio(data: DataDir, waves: Mapping[str, Any]) -> None:
    """Refuse a directory that lists utterances without audio."""
    missing = [utterance for utterance in data.utterances if utterance not in waves]
    if missing:
        raise DataDirError(
            f"{data.path}: {len(missing)} utterances have no audio in wav.scp, the first is {missing[0]!r}; "
            f"run nrsr fix-data {data.path}"
        )


def make_batches(durations: Mapping[str, float], size: int) -> list[list[str]]:
    """Utterance ids in batches of like durations (seconds), the longest first; they do not depend on workers."""
    batches: list[list[str]] = []
    for utterance in sorted(durations, key=lambda utterance: (-durations[utterance], utterance)):
        # The first of a batch is its longest, and the others are padded to it.
        if batches and len(batches[-1]) < size and durations[batches[-1][0]] * (len(batches[-1]) + 1) <= BATCH_SECONDS:
            batches[-1].append(utterance)
        else:
            batches.append([utterance])
    return batches


def run_batches(make_work: Callable[[], Work], batches: list[list[str]], nj: int) -> Iterator[Result]:
    """Yield the result of each batch, in any order.

    Args:
        make_work: called once in each process; what it returns takes a batch. Both must be picklable for nj > 1.
        nj: processes, of one thread each; 1 works in this process.

    Raises:
        WorkerError: a process was killed. Whatever a batch raises comes out as it is.
    """
    if nj <= 1:
        with _one_thread():
            work = make_work()
            for batch in batches:
                yield work(batch)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in an unusable state
    pool = ProcessPoolExecutor(min(nj, len(batches)) or 1, context, initializer=_prepare, initargs=(make_work,))
    try:
        for done in as_completed({pool.submit(_run, batch) for batch in batches}):
            yield done.result()
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died, perhaps for lack of memory; nothing was written, try a smaller --nj or --batch-size"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread and no denormal numbers, as in the workers, so that --nj 1 gives the same sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


# In a worker process: how to make its work, and the work once it is made. It is made with the first batch, since
# an error in the initialiser would reach the user as a broken pool without its reason.
_worker: dict[str, Callable] = {}


def _prepare(make_work: Callable[[], Work]) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    _worker["make"] = make_work


def _run(batch: list[str]) -> Any:
    if "work" not in _worker:
        _worker["work"] = _worker["make"]()
    return _worker["work"](batch)
