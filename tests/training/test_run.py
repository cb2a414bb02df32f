"""Whole trainings of toy systems: what they leave, and what steers them."""

import json

import pytest
import torch
import toy_systems
import yaml

import nrsr
from nrsr.config import save_yaml
from nrsr.training import run, validation


def test_what_a_training_leaves(run_toy, tmp_path, capsys):
    folder = run_toy(tmp_path / "exp")
    names = {path.name for path in folder.iterdir()}
    assert {"config.yaml", "units", "checkpoints", "last.pt", "model.pt", "train.log", "metrics.jsonl",
            "tensorboard", "versions.txt", "skipped.txt"} <= names  # fmt: skip
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 1
    entries = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    assert entries[-1]["train"]["asr"] < entries[0]["train"]["asr"]
    assert {"asr", "se", "norm", "lr"} <= entries[0]["train"].keys() and "loss" in entries[0]["dev"]
    assert f"torch {torch.__version__.split('+')[0]}" in (folder / "versions.txt").read_text()
    assert "left" in (folder / "train.log").read_text()

    experiment = nrsr.load(folder)
    assert not experiment.system.training and experiment.units.symbols[2] == "four"
    assert experiment.config["training"]["epochs"] == 3

    before = (folder / "last.pt").stat().st_mtime_ns
    assert "dev: 6 of 12 utterances have parallel clean speech (spk1.scp)" in capsys.readouterr().err
    run_toy(folder)
    assert "finished already, after 3 epochs" in capsys.readouterr().err
    assert (folder / "last.pt").stat().st_mtime_ns == before


def test_the_commands_agree_with_the_functions(nrsr_main, capsys, corpus, toy_config, run_toy, tmp_path):
    save_yaml({**toy_config, "units": {"kind": "word"}}, tmp_path / "conf.yaml")
    folder = tmp_path / "exp"
    status, out, _ = nrsr_main(
        "make-units", "--config", tmp_path / "conf.yaml", corpus / "train" / "text", folder / "units"
    )
    assert status == 0 and "7 units of kind word" in out
    options = ["--config", tmp_path / "conf.yaml", "--train", corpus / "train", "--dev", corpus / "dev"]
    status, _, err = nrsr_main("train", *options, "--exp", folder, "--seed", 1, "--set", "training.epochs=2")
    assert status == 0 and "model.pt is the mean of epochs" in err
    same = run_toy(tmp_path / "same", {"training.epochs": 2})
    one, other = (torch.load(path / "model.pt", weights_only=True)["model"] for path in (folder, same))
    assert all(torch.equal(one[name], other[name]) for name in one)
    capsys.readouterr()
    status, _, err = nrsr_main("train", *options, "--exp", folder, "--seed", 2)
    assert status == 1 and err.count("\n") == 1 and "training.epochs: 2 -> 3; seed: 1 -> 2" in err


def test_order_and_initialisation_do_not_depend_on_the_losses(run_toy, toy_config, tmp_path, monkeypatch):
    seen = []
    real = toy_systems.ToyAsr.losses

    def losses(self, batch, turn, wanted):
        if not self.calls:
            seen.append(self.ctc.weight.detach().clone())
        seen.append(tuple(batch.ids))
        return real(self, batch, turn, wanted)

    monkeypatch.setattr(toy_systems.ToyAsr, "losses", losses)
    run_toy(tmp_path / "both", {"training.epochs": 2})
    both = seen.copy()
    seen.clear()
    run_toy(tmp_path / "one", {"loss_weights": {"asr": 1.0}})
    assert torch.equal(both[0], seen[0]) and both[1:] == seen[1:] and len(seen) > 10
    seen.clear()
    run_toy(tmp_path / "other_seed", seed=2)
    assert not torch.equal(both[0], seen[0]) and both[1:] != seen[1:]


def test_early_stop_and_best_epochs(run_toy, toy_config, tmp_path, monkeypatch):
    values = iter([9.0, 5.0, 3.0, 4.0, 6.0, 2.0])

    def validate(training, batches, stop=None):
        return {"loss": 0.0 if stop is None else next(values)}

    monkeypatch.setattr(validation, "validate", validate)
    monkeypatch.setattr(run, "validate", validate)
    folder = run_toy(tmp_path / "exp", {"training.epochs": 10, "training.patience": 2, "training.average": 2})
    log = (folder / "train.log").read_text()
    assert "no better loss for 2 epochs; model.pt is the mean of epochs 3, 4" in log
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [
        "epoch003.pt", "epoch004.pt", "epoch005.pt"]  # fmt: skip


def test_left_out_utterances_are_listed(run_toy, toy_config, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(toy_systems.ToyAsr, "output_lengths", lambda self, samples: samples // 1600)
    monkeypatch.setattr(toy_systems.ToyAsr, "ctc_loss", lambda self, batch: self.log_probs(batch).mean((1, 2)))
    folder = run_toy(tmp_path / "exp", {"training.epochs": 1})
    listed = (folder / "skipped.txt").read_text().splitlines()
    assert listed and all("too short for CTC" in line for line in listed)
    ids = {line.split()[1] for line in listed if "/train " in line}
    err = capsys.readouterr().err
    assert f"train: {len(ids)} utterances left out: {len(ids)} too short for CTC" in err and min(ids) in err


def test_a_system_is_told_how_far_the_training_is(run_toy, monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(toy_systems.ToyAsr, "set_progress", lambda self, *progress: told.append(progress))
    run_toy(tmp_path / "exp", {"training.epochs": 2})
    fractions, epochs = zip(*told, strict=True)
    assert fractions == pytest.approx([step / len(told) for step in range(len(told))])
    assert epochs == pytest.approx([2 * step / len(told) for step in range(len(told))])


def test_a_plateau_of_the_development_criterion_cuts_the_rate(run_toy, monkeypatch, tmp_path):
    values = iter([5.0, 6.0, 4.0, 7.0])
    monkeypatch.setattr("nrsr.training.validation.validate", lambda *_: {"loss": next(values)})
    schedule = {"class": "nrsr.training.schedules.Plateau", "patience": 0}
    folder = run_toy(tmp_path / "exp", {"training.epochs": 4, "training.average": 1, "schedule": schedule})
    rates = [json.loads(line)["train"]["lr"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.005])
