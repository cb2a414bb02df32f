"""Batches read in worker processes: errors arrive as they are, and signals are left to the main process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import Dataset

from nrsr.data.batch import TrainingBatch
from nrsr.errors import NrsrError


class BatchReader(Dataset):
    """The batches of a data set, by lists of its items.

    An error is returned, to be raised by `checked`: DataLoader would put the traceback of its worker into the message.
    """

    def __init__(self, data: Dataset):
        self._data = data

    def __getitem__(self, items: list[Any]) -> TrainingBatch | NrsrError | OSError:
        try:
            return self._data.collate([self._data[item] for item in items])
        except (NrsrError, OSError) as error:
            return error


def checked(batches: Iterable[TrainingBatch | NrsrError | OSError]) -> Iterator[TrainingBatch]:
    """Batches up to the first error, which is raised."""
    for batch in batches:
        if isinstance(batch, Exception):
            raise batch
        yield batch


def leave_signals_to_main_process(worker: int) -> None:
    """In a worker: ignore Ctrl-C, and SIGTERM unless the main process sends it.

    A terminal or a scheduler signals all processes of a training. The main process saves then, for which it may need
    more batches, and ends its workers. They also end, within seconds, when the main process has been killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait_for_main_process, daemon=True).start()


def _wait_for_main_process() -> None:
    main = multiprocessing.parent_process().pid
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != main:
        pass
    os._exit(0)
