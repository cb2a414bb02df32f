"""Whole trainings of toy systems: what they leave, and what is refused."""

import json

import torch
import yaml

import nrsr


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
    capsys.readouterr()
    run_toy(folder)
    assert "finished already, after 3 epochs" in capsys.readouterr().err
    assert (folder / "last.pt").stat().st_mtime_ns == before
