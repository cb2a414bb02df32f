"""Work in several processes: order, errors as they are, and workers that die."""

import os
import signal

import pytest
import torch

from nrsr.errors import NrsrError
from nrsr.workers import WorkerError, run_work


class Squares:
    """Work that tells the process it runs in and its threads, and fails for 13."""

    def __call__(self, number: int) -> tuple[int, int, int]:
        if number == 13:
            raise NrsrError("thirteen")
        return number**2, os.getpid(), torch.get_num_threads()


class Dies:
    """Work whose second item kills its own process."""

    def __call__(self, item: str) -> str:
        if item == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return item


@pytest.mark.parametrize("nj", [1, 2])
def test_results_come_in_order_from_processes_of_one_thread(nj):
    items = list(range(12))
    squares, processes, threads = zip(*run_work(Squares, items, nj), strict=True)
    assert list(squares) == [number**2 for number in items]
    assert (set(processes) == {os.getpid()}) == (nj == 1)
    assert len(set(processes)) <= nj
    assert set(threads) == {1}


@pytest.mark.parametrize("nj", [1, 2])
def test_errors_come_out_as_they_are(nj):
    results = run_work(Squares, [2, 13, 3], nj)
    assert next(results)[0] == 4
    with pytest.raises(NrsrError, match="thirteen"):
        next(results)


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(WorkerError, match="a worker process died"):
        list(run_work(Dies, ["a", "b", "c"], 2))


def test_nothing_to_do():
    assert list(run_work(Squares, [], 2)) == []


def test_a_number_of_processes_below_one_is_refused():
    with pytest.raises(WorkerError, match="--nj 0: .* take 1 or more"):
        list(run_work(Squares, [2], 0))
