"""A training that begins anew where another has been, and logs that are links."""

import pytest

import nrsr
from nrsr.experiment.checkpoint import CheckpointError
from nrsr.files import LinkError
from nrsr.training import run


def test_no_weights_of_an_earlier_training_stand_beside_a_new_config(run_toy, toy_config, tmp_path, monkeypatch):
    run_toy(tmp_path / "exp")
    nrsr.load(tmp_path / "exp")
    (tmp_path / "exp/last.pt").unlink()
    toy_config["training"] |= {"epochs": 1}

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "exp")
    with pytest.raises(CheckpointError, match="model.pt: no such file"):
        nrsr.load(tmp_path / "exp")
    assert list((tmp_path / "exp/checkpoints").iterdir()) == []


def test_train_log_is_not_written_through_a_link(run_toy, tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "exp").mkdir()
    (tmp_path / "exp/train.log").symlink_to(tmp_path / "mine")
    with pytest.raises(LinkError, match="train.log: is a link"):
        run_toy(tmp_path / "exp")
    assert (tmp_path / "mine").read_text() == "mine\n"
