"""What a training and the loading of one refuse: configs, seeds, statistics and files that do not fit."""

import numpy as np
import pytest
import yaml
from torch import nn

import nrsr
from nrsr.config import ConfigError
from nrsr.data import Units, UnitsError
from nrsr.errors import NrsrError
from nrsr.experiment.checkpoint import CheckpointError
from nrsr.experiment.settings import parse_experiment
from nrsr.kaldi import TableWriter
from nrsr.nn import GlobalNorm
from nrsr.training.run import load_statistics, read_units, run_training
from nrsr.training.validation import TrainingError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"traning": {}}, "config: unknown key traning"),
        ({"training.epoch": 3}, "training: unknown key epoch"),
        ({"training.epochs": "many"}, "training.epochs: 'many' is no int"),
        ({"training.epochs": 0}, "training.epochs: 0 is too small"),
        ({"training.epochs": True}, "training.epochs: True is no int"),
        ({"training.select": "wer"}, "training.select: 'wer' is no criterion of this system; it has frames, loss"),
        ({"batches.size": 1.5}, "batches.size: 1.5 is no int"),
        ({"batches": "big"}, "batches: expected"),
        ({"loss_weights": {}}, "loss_weights: expected"),
        ({"loss_weights": {"asr": "much"}}, "loss_weights.asr: 'much' is no number"),
        ({"optimiser": {"class": "torch.optim.AdamW", "rate": 1}}, "optimiser: torch.optim.AdamW .*rate"),
        ({"optimiser": {"class": "torch.nn.Linear"}}, "optimiser.class: .* is no torch.optim"),
        ({"schedule": {"class": "torch.optim.AdamW"}}, "schedule.class: .* is no nrsr.training.schedules.Schedule"),
        ({"sample_rate": "8k"}, "sample_rate: expected a number"),
        ({"optimiser": {"class": "torch.optim.AdamW", "lr": "big"}}, "optimiser: .*AdamW does not take .*big"),
        ({"optimiser": {"class": "torch.optim.AdamW", "lr": float("nan")}}, "does not take {lr: nan}"),
        ({"units": {"kind": "bpe"}}, "units.kind: bpe, but .*units holds word units; run nrsr make-units again"),
        ({"units": "word"}, "units: expected a mapping"),
        ({"turns": {}}, "loss_weights, optimiser, schedule is set beside turns"),
    ],
)
def test_bad_configs_are_refused_before_training(run_toy, tmp_path, changes, message):
    with pytest.raises(NrsrError, match=message):
        run_toy(tmp_path / "exp", changes)
    assert not (tmp_path / "exp" / "last.pt").exists()


def test_pieces_of_another_number_are_refused(toy_config, tmp_path):
    Units.from_text(["a b c d e ab cd de"] * 50, "bpe", 14).save(tmp_path / "units")

    def taken(spec: dict | None) -> int:
        config = parse_experiment({**toy_config, "units": spec, "seed": 1})
        return len(read_units(config, tmp_path / "units", tmp_path))

    message = "units.size: 20, but .*units holds 14 BPE pieces; run nrsr make-units again, or set units.size to 14"
    with pytest.raises(ConfigError, match=message):
        taken({"kind": "bpe", "size": 20})
    assert taken({"kind": "bpe", "size": 14}) == taken({"kind": "bpe"}) == taken(None) == 16


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "one"])
def test_seeds_are_whole_numbers(toy_config, corpus, tmp_path, seed):
    with pytest.raises(ConfigError, match="seed: .* is no whole number from 0 to"):
        run_training(toy_config, seed, corpus / "train", corpus / "dev", corpus / "units", tmp_path / "exp")


def test_missing_keys_are_named(toy_config, corpus, tmp_path):
    del toy_config["optimiser"], toy_config["training"]
    with pytest.raises(ConfigError, match="training, optimiser missing"):
        run_training(toy_config, 1, corpus / "train", corpus / "dev", corpus / "units", tmp_path / "exp")


def test_statistics_are_read_strictly(tmp_path):
    system = nn.ModuleDict({"norm": GlobalNorm(3), "other": nn.Linear(1, 1)})
    path = tmp_path / "statistics.ark"
    with pytest.raises(TrainingError, match="no such file; run nrsr compute-cmvn --config"):
        load_statistics(system, path)
    statistics = np.array([[10.0, 20.0, 30.0, 10.0], [20.0, 50.0, 100.0, 0.0]])
    with TableWriter(f"ark:{path}") as writer:
        writer["norm"] = statistics
    load_statistics(system, path)
    assert system["norm"].mean.tolist() == [1.0, 2.0, 3.0] and system["norm"].std.tolist() == [1.0, 1.0, 1.0]
    with TableWriter(f"ark:{path}") as writer:
        writer["norm"] = statistics
        writer["enhancer"] = statistics
    with pytest.raises(TrainingError, match=r"made for another system \(enhancer on one side alone\)"):
        load_statistics(system, path)


def test_loading_says_what_is_missing(run_toy, tmp_path):
    with pytest.raises(NrsrError, match="config.yaml: no such file; give a folder that nrsr train"):
        nrsr.load(tmp_path)
    folder = run_toy(tmp_path / "exp", {"training.epochs": 1})
    (folder / "model.pt").rename(folder / "kept")
    with pytest.raises(CheckpointError, match="model.pt: no such file; finish nrsr train, or run nrsr average"):
        nrsr.load(folder)
    (folder / "kept").rename(folder / "model.pt")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["system"]["width"] = 4
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(CheckpointError, match=r"linear.0.weight is \(8, 80\), the config's system has \(4, 80\)"):
        nrsr.load(folder)
    (folder / "units" / "units.txt").unlink()
    with pytest.raises(UnitsError, match="units.txt: no such file"):
        nrsr.load(folder)
    (folder / "config.yaml").write_text("sample_rate: 8000\n")
    with pytest.raises(ConfigError, match="exp/config.yaml: the config has no key 'system'"):
        nrsr.load(folder)
