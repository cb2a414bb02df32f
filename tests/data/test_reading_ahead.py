"""Workers that read batches ahead: which signals end them, and that their errors can be sent."""

import multiprocessing
import pickle
import subprocess

import numpy as np
import pytest

from nrsr.data.batches import BatchSettings
from nrsr.data.training_set import load_batches
from nrsr.data.waveforms import WaveformDataset
from nrsr.errors import NrsrError
from nrsr.kaldi import WaveWriter, write_list


@pytest.fixture
def data(tmp_path) -> WaveformDataset:
    with WaveWriter(tmp_path / "wav.ark", tmp_path / "wav.scp", 8000) as writer:
        writer["u1"] = np.full(4000, 0.1, np.float32)
    write_list(tmp_path / "utt2spk", {"u1": "s"})
    return WaveformDataset(tmp_path, None, 8000, BatchSettings())


def test_a_worker_is_not_ended_by_the_signals_of_others(data):
    batches = load_batches(data, [[0]] * 20, 1)
    next(batches)
    [worker] = multiprocessing.active_children()
    for name in ("TERM", "INT", "TERM"):
        subprocess.run(["kill", f"-{name}", str(worker.pid)], check=True)
    assert len(list(batches)) == 19
    worker.join(20)
    assert worker.exitcode == 0


def test_a_worker_is_ended_by_sigterm_of_the_main_process(data):
    batches = load_batches(data, [[0]] * 20, 1)
    next(batches)
    [worker] = multiprocessing.active_children()
    worker.terminate()
    worker.join(20)
    assert worker.exitcode == 0


def test_every_error_of_nrsr_can_be_sent_by_a_worker():
    kinds = [NrsrError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert len(kinds) > 20
    for kind in kinds:
        sent = pickle.loads(pickle.dumps(kind("what is wrong")))
        assert type(sent) is kind and str(sent) == "what is wrong"
