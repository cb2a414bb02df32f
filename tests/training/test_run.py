"""Whole trainings of toy systems: what they leave, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import toy_systems
import yaml
from torch import nn

import nrsr
from nrsr.config import ConfigError, save_yaml
from nrsr.data import Batch, UnitsError
from nrsr.errors import NrsrError
from nrsr.kaldi import TableWriter
from nrsr.nn import GlobalNorm
from nrsr.training import loop, run
from nrsr.training.checkpoint import CheckpointError, seed_generators
from nrsr.training.loop import TrainingError
from nrsr.training.run import load_statistics, run_training
from nrsr.training.turns import build_turns


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


def without_main_turn(config: dict) -> dict:
    return {key: value for key, value in config.items() if key not in ("loss_weights", "optimiser", "schedule")}


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


def test_a_game_takes_its_turns(run_toy, toy_config, corpus, tmp_path, monkeypatch):
    moving, still = ({"class": "torch.optim.SGD", "lr": rate} for rate in (1.0, 0.0))
    turns = {
        "discriminator": {"loss_weights": {"real": 1.0, "made": 0.5}, "optimiser": moving},
        "generator": {"loss_weights": {"fool": 1.0}, "optimiser": still},
    }
    config = {**without_main_turn(toy_config), "system": {"class": "toy_systems.ToyGame"}, "turns": turns}
    order = []
    real = toy_systems.ToyGame.losses
    monkeypatch.setattr(toy_systems.ToyGame, "losses", lambda *given: order.append(given[2]) or real(*given))
    folder = tmp_path / "exp"
    run_training(config, 1, corpus / "train", corpus / "dev", corpus / "units", folder)
    assert order[:4] == ["discriminator", "generator"] * 2
    seed_generators(1)
    fresh = toy_systems.ToyGame(sample_rate=8000, vocabulary=7)
    trained = torch.load(folder / "last.pt", weights_only=True)["model"]
    # A rate of 0 leaves the generator as it was, so nothing of the discriminator's turn has reached it.
    assert torch.equal(trained["generator.weight"], fresh.generator.weight)
    assert not torch.equal(trained["discriminator.weight"], fresh.discriminator.weight)
    entry = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    assert {"discriminator/real", "discriminator/made", "generator/fool", "generator/norm"} <= entry["train"].keys()

    del config["turns"]["generator"]
    with pytest.raises(ConfigError, match="takes turns discriminator, generator; the config has discriminator"):
        run_training(config, 1, corpus / "train", corpus / "dev", corpus / "units", tmp_path / "other")


def test_steps_that_are_not_finite_are_skipped_and_named(run_toy, toy_config, tmp_path, monkeypatch):
    real = toy_systems.ToyAsr.losses
    bad = []

    def losses(self, batch, turn, wanted):
        found = real(self, batch, turn, wanted)
        if self.calls == 4:
            bad.extend(batch.ids)
            self.linear[2].running_mean.data.fill_(torch.nan)
            found["asr"] = found["asr"] * torch.nan
        return found

    monkeypatch.setattr(toy_systems.ToyAsr, "losses", losses)
    folder = run_toy(tmp_path / "exp")
    log = (folder / "train.log").read_text()
    (line,) = [line for line in log.splitlines() if "skipped, not finite" in line]
    assert f"step 4, turn main: skipped, not finite: asr nan, norm nan; utterances {' '.join(bad)}" in line
    entry = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert entry["skipped_steps"] == 1 and entry["train"]["asr"] > 0
    # Neither weights nor running statistics have seen the bad step.
    assert all(value.isfinite().all() for value in nrsr.load(folder).system.state_dict().values())


def test_too_many_steps_that_are_not_finite_end_it(run_toy, toy_config, tmp_path):
    toy_config["system"]["trouble_from"] = 5
    toy_config["training"]["max_nonfinite"] = 3
    with pytest.raises(TrainingError, match="3 steps one after the other .* train.log names"):
        run_toy(tmp_path / "exp")
    log = (tmp_path / "exp" / "train.log").read_text()
    assert log.count("skipped, not finite") == 3


def test_accumulated_steps_equal_one_large_step():
    torch.manual_seed(0)
    waves = torch.randn(8, 16)
    batch = Batch(list("abcdefgh"), waves, torch.full((8,), 16), None, torch.zeros(8, dtype=bool), waves[:, :0].long(),
                  torch.zeros(8, dtype=torch.int64))  # fmt: skip
    halves = [replace(batch, ids=batch.ids[:4], waves=waves[:4]), replace(batch, ids=batch.ids[4:], waves=waves[4:])]
    turn_config = {"loss_weights": {"real": 1.0, "made": 1.0}, "optimiser": {"class": "torch.optim.SGD", "lr": 0.1}}
    config = {"turns": {"discriminator": turn_config, "generator": {**turn_config, "loss_weights": {"fool": 1.0}}}}
    results = []
    for batches in ([batch], halves):
        torch.manual_seed(1)
        system = toy_systems.ToyGame(8000, 7)
        turn = build_turns(config, system)[0]
        figures, made = turn.step(system, batches, [1.0 / len(batches)] * len(batches), 1.0, None)
        assert made
        results.append((system.discriminator.weight.detach().clone(), figures))
    assert torch.allclose(results[0][0], results[1][0], atol=1e-7)
    assert results[0][1] == pytest.approx(results[1][1], abs=1e-6)
    assert results[0][1].keys() == {"real", "made", "norm"}


def test_clipping_bounds_the_step_and_logs_the_norm_before():
    system = toy_systems.ToyGame(8000, 7)
    turn_config = {"loss_weights": {"fool": 1000.0}, "optimiser": {"class": "torch.optim.SGD", "lr": 1.0}}
    config = {"turns": {"discriminator": {**turn_config, "loss_weights": {"real": 1.0}}, "generator": turn_config}}
    turn = build_turns(config, system)[1]
    before = [parameter.detach().clone() for parameter in turn.parameters]
    waves = torch.randn(4, 16)
    batch = Batch(list("abcd"), waves, torch.full((4,), 16), None, torch.zeros(4, dtype=bool), waves[:, :0].long(),
                  torch.zeros(4, dtype=torch.int64))  # fmt: skip
    figures, _ = turn.step(system, [batch], [1.0], 0.5, 2.0)
    moved = torch.cat([(p - q).flatten() for p, q in zip(turn.parameters, before, strict=True)]).norm()
    assert figures["norm"] > 100 and moved.item() == pytest.approx(0.5 * 2.0, rel=1e-4)


def test_early_stop_and_best_epochs(run_toy, toy_config, tmp_path, monkeypatch):
    values = iter([9.0, 5.0, 3.0, 4.0, 6.0, 2.0])

    def validate(training, batches, stop=None):
        return {"loss": 0.0 if stop is None else next(values)}

    monkeypatch.setattr(loop, "validate", validate)
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
        ({"turns": {}}, "loss_weights, optimiser, schedule stands beside turns"),
    ],
)
def test_bad_configs_are_refused_before_training(run_toy, tmp_path, changes, message):
    with pytest.raises(NrsrError, match=message):
        run_toy(tmp_path / "exp", changes)
    assert not (tmp_path / "exp" / "last.pt").exists()


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


def test_a_system_is_told_how_far_the_training_is(run_toy, monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr(toy_systems.ToyAsr, "set_progress", lambda self, *progress: told.append(progress))
    run_toy(tmp_path / "exp", {"training.epochs": 2})
    fractions, epochs = zip(*told, strict=True)
    assert fractions == pytest.approx([step / len(told) for step in range(len(told))])
    assert epochs == pytest.approx([2 * step / len(told) for step in range(len(told))])


def test_a_plateau_of_the_development_criterion_cuts_the_rate(run_toy, monkeypatch, tmp_path):
    values = iter([5.0, 6.0, 4.0, 7.0])
    monkeypatch.setattr("nrsr.training.loop.validate", lambda *_: {"loss": next(values)})
    schedule = {"class": "nrsr.training.schedules.Plateau", "patience": 0}
    folder = run_toy(tmp_path / "exp", {"training.epochs": 4, "training.average": 1, "schedule": schedule})
    rates = [json.loads(line)["train"]["lr"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.005])
