"""Work in several processes: order, errors as they are, and workers that die."""

import os
import signal

import numpy as np
import pytest
import torch

from nrsr.errors import NrsrError
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.workers import THREADS, WorkerError, run_work


class Squares:
    """Work that tells the process it runs in and its threads, and fails for 13."""

    def __call__(self, number: int) -> tuple[int, int, int]:
        if number == 13:
            raise NrsrError("thirteen")
        return number**2, os.getpid(), torch.get_num_threads()


class Products:
    """Work that multiplies matrices, and tells the threads of its process and what the environment says of them."""

    def __call__(self, item: object) -> tuple[int, list[str | None]]:
        product = np.ones((600, 800), np.float32)
        product = product @ product.T
        return len(os.listdir("/proc/self/task")), [os.environ.get(name) for name in THREADS]


def make_products(part: int) -> Products:
    return Products()


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


@pytest.mark.parametrize("pool", [False, True])
def test_numpy_has_one_thread_in_each_process(monkeypatch, pool):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    if pool:
        with WorkerPool(make_products, [0, 1]) as workers:
            results = workers.ask("__call__", 0)
    else:
        results = list(run_work(Products, [0, 1], 2))
    assert results == [(1, ["1"] * 3)] * 2
    assert [os.environ.get(name) for name in THREADS] == [None, "3", None]


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
