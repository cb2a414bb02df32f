"""Averaging checkpoints."""

import math

import pytest
import torch

from nrsr.experiment.average import (
    average_experiment,
    average_weights,
    prune_validations,
    rank,
    save_validation,
    validation_files,
)
from nrsr.experiment.checkpoint import CheckpointError


def test_mean_of_floats_and_last_of_integers():
    states = [
        {"a": torch.tensor([1.0, 3.0]), "half": torch.tensor([1.0]).bfloat16(), "n": torch.tensor(n)} for n in (5, 7)
    ]
    states[1]["a"] = torch.tensor([2.0, 5.0])
    mean = average_weights(states)
    assert mean["a"].tolist() == [1.5, 4.0] and mean["n"].item() == 7 and mean["half"].dtype == torch.bfloat16


def test_many_equal_states_average_to_themselves():
    state = {"a": torch.rand(100)}
    assert torch.equal(average_weights([state] * 7)["a"], state["a"])


def test_rank():
    assert rank({1: 0.5, 2: 0.1, 3: math.nan, 4: 0.1, 5: math.inf}) == [4, 2, 1, 5, 3]


def test_the_best_epochs_make_the_model(tmp_path, nrsr_main):
    for epoch, criterion in {1: 0.9, 2: 0.2, 10: 0.4, 1000: 0.8}.items():
        save_validation(tmp_path, "epoch", epoch, {"model": {"a": torch.tensor([float(epoch)])}}, criterion)
    assert list(validation_files(tmp_path)) == [1, 2, 10, 1000]
    status, out, _ = nrsr_main("average", "--exp", tmp_path, "--n", 2)
    assert status == 0 and "mean of epochs 2, 10" in out
    assert torch.load(tmp_path / "model.pt", weights_only=True)["model"]["a"].item() == 6.0
    prune_validations(tmp_path, [2, 1000])
    assert list(validation_files(tmp_path)) == [2, 1000]
    status, _, err = nrsr_main("average", "--exp", tmp_path, "--n", 3)
    assert status == 1 and "2 epochs are kept; take --n 2 or less" in err
    assert nrsr_main("average", "--exp", tmp_path, "--n", 0)[0] == 1


def test_no_checkpoints(tmp_path):
    with pytest.raises(CheckpointError, match="no epoch"):
        average_experiment(tmp_path, 1)
