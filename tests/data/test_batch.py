"""Padding and stacking of utterances."""

import numpy as np
import torch

from nrsr.data.batch import Example, collate
from nrsr.data.frames import FrameBatch


def example(name: str, samples: int, clean: bool, targets: list[int]) -> Example:
    wave = np.arange(1, samples + 1, dtype=np.float32) / 100
    return Example(name, wave, wave * 2 if clean else None, np.array(targets, dtype=np.int64))


def test_worked_batch():
    batch = collate([example("a", 2, False, [3]), example("b", 3, True, [4, 5])])
    assert batch.ids == ["a", "b"] and len(batch) == 2
    assert torch.equal(batch.waves, torch.tensor([[0.01, 0.02, 0.0], [0.01, 0.02, 0.03]]))
    assert torch.equal(batch.clean, torch.tensor([[0.0, 0.0, 0.0], [0.02, 0.04, 0.06]]))
    assert batch.lengths.tolist() == [2, 3] and batch.has_clean.tolist() == [False, True]
    assert batch.targets.tolist() == [[3, 0], [4, 5]] and batch.target_lengths.tolist() == [1, 2]
    assert batch.targets.dtype == torch.int64 and batch.clean.dtype == torch.float32


def test_no_clean_speech_gives_none():
    batch = collate([example("a", 2, False, [3])])
    assert batch.clean is None and batch.to("cpu").clean is None


def test_clean_speech_is_as_wide_as_the_waves():
    batch = collate([example("a", 5, False, [3]), example("b", 3, True, [4])])
    assert batch.clean.shape == batch.waves.shape


def test_tensors_in_mappings_move_too():
    labels = {"noise": torch.zeros(2, dtype=torch.int64)}
    batch = FrameBatch(["a"], torch.zeros(2, 1, 3), torch.zeros(2, 1, dtype=torch.int64), labels)
    moved = batch.to("meta")
    assert moved.labels["noise"].device.type == moved.inputs.device.type == "meta"
    assert len(moved) == 2 and batch.labels["noise"].device.type == "cpu"
