"""Steps of toy trainings: turns of a game, losses that are not finite, accumulation, clipping."""

import json
from dataclasses import replace

import pytest
import torch
import toy_systems

import nrsr
from nrsr.config import ConfigError
from nrsr.data import Batch
from nrsr.experiment.generators import seed_generators
from nrsr.experiment.turn_settings import parse_turns
from nrsr.training.loop import TrainingError
from nrsr.training.run import run_training
from nrsr.training.turns import build_turns


def without_main_turn(config: dict) -> dict:
    return {key: value for key, value in config.items() if key not in ("loss_weights", "optimiser", "schedule")}


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
        turn = build_turns(parse_turns(config, None), system)[0]
        step = turn.step(system, batches, [1.0 / len(batches)] * len(batches))
        assert step.updated
        results.append((system.discriminator.weight.detach().clone(), step.metrics))
    assert torch.allclose(results[0][0], results[1][0], atol=1e-7)
    assert results[0][1] == pytest.approx(results[1][1], abs=1e-6)
    assert results[0][1].keys() == {"real", "made", "norm"}


def test_clipping_bounds_the_step_and_logs_the_norm_before():
    system = toy_systems.ToyGame(8000, 7)
    turn_config = {"loss_weights": {"fool": 1000.0}, "optimiser": {"class": "torch.optim.SGD", "lr": 1.0}}
    config = {"turns": {"discriminator": {**turn_config, "loss_weights": {"real": 1.0}}, "generator": turn_config}}
    turn = build_turns(parse_turns(config, 2.0), system)[1]
    before = [parameter.detach().clone() for parameter in turn.parameters]
    waves = torch.randn(4, 16)
    batch = Batch(list("abcd"), waves, torch.full((4,), 16), None, torch.zeros(4, dtype=bool), waves[:, :0].long(),
                  torch.zeros(4, dtype=torch.int64))  # fmt: skip
    metrics = turn.step(system, [batch], [1.0], 0.5).metrics
    moved = torch.cat([(p - q).flatten() for p, q in zip(turn.parameters, before, strict=True)]).norm()
    assert metrics["norm"] > 100 and moved.item() == pytest.approx(0.5 * 2.0, rel=1e-4)


def test_a_training_whose_every_step_is_skipped_fails(run_toy, toy_config, tmp_path):
    toy_config["system"]["trouble_from"] = 1
    toy_config["training"] |= {"max_nonfinite": 1000, "epochs": 1}
    with pytest.raises(TrainingError, match="every step of turn main was skipped.* nothing was trained"):
        run_toy(tmp_path / "exp")
    assert not (tmp_path / "exp" / "model.pt").exists()
    with pytest.raises(TrainingError, match="every step of turn main was skipped"):
        run_toy(tmp_path / "exp")
