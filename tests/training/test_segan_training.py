"""SEGAN through the loop: its frozen reference in checkpoints, resumption and processes; the log; mixed precision."""

import copy
import json
import signal

import pytest
import torch
import toy_games
from test_games import assert_same

import nrsr
from nrsr.config import ConfigError
from nrsr.experiment.settings import parse_experiment
from nrsr.nn.segan import SeganGenerator
from nrsr.systems import build_system
from nrsr.training.run import run_training
from nrsr.training.turns import build_turns

RMSPROP = {"class": "torch.optim.RMSprop", "lr": 1e-3, "alpha": 0.9}
CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.SeganEnhancement",
        "frontend": {"class": "nrsr.frontends.Segan", "channels": [4, 6], "kernel": 5, "window": 256},
        "frozen_reference": 12,
    },
    "data": {"segment": 256, "hop": 512},
    "turns": {
        "discriminator": {"loss_weights": {"adversarial": 1.0}, "optimiser": RMSPROP},
        "generator": {"loss_weights": {"adversarial": 1.0, "l1": 100.0}, "optimiser": RMSPROP},
    },
    "batches": {"size": 8, "max_seconds": 60},
    "training": {"steps": 12, "validate_steps": 5, "select": "last", "average": 2, "clip": None, "save_steps": 2},
}


def changed(system=None, **training):
    config = copy.deepcopy(CONFIG)
    config["system"].update(system or {})
    config["training"].update(training)
    return config


@pytest.fixture
def play(corpus):
    def train(folder, config):
        run_training(copy.deepcopy(config), 1, corpus / "train", corpus / "dev", None, folder)
        return folder

    return train


def model_of(path):
    return torch.load(path, weights_only=True)["model"]


@pytest.mark.parametrize(("size", "accumulate"), [(1, 2), (2, 1)])
def test_killed_in_saving_it_goes_on_bit_for_bit(play, tmp_path, size, accumulate):
    config = changed(accumulate=accumulate)
    assert toy_games.in_processes(size, play, tmp_path / "whole", config) == [0] * size
    folder = tmp_path / "killed"
    assert toy_games.in_processes(size, play, folder, config, kill=4)[0] == -signal.SIGKILL
    assert 2 < torch.load(folder / "last.pt", weights_only=True)["progress"]["step"] < 12
    assert toy_games.in_processes(size, play, folder, config) == [0] * size
    assert_same(tmp_path / "whole", folder)
    assert (folder / "train.log").read_text().count("virtual batch normalisation: the reference is") == 1


def test_the_reference_and_the_scores_are_in_checkpoints_and_log(play, tmp_path):
    folder = play(tmp_path / "exp", CONFIG)
    states = [model_of(path) for path in (*sorted((folder / "checkpoints").iterdir()), folder / "model.pt")]
    assert len(states) == 3 and all(torch.equal(state["reference"], states[0]["reference"]) for state in states)
    assert states[0]["reference"].shape == (12, 2, 256) and states[0]["reference"].any(2).all()
    lines = (folder / "train.log").read_text().splitlines()
    assert "the reference is a frozen batch, the first 12 windows of the training" in lines[1]
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    names = ["discriminator/adversarial", "discriminator/score_real", "discriminator/score_fake"]
    names += ["generator/adversarial", "generator/l1", "generator/score_fake"]
    assert set(names) <= set(last["train"]) and last["dev"].keys() == {"loss", "si_snr", "si_snri"}
    assert torch.equal(nrsr.load(folder).system.reference, states[0]["reference"])
    # A recogniser's init takes the generator; another game that starts from all of it keeps the reference too.
    again = changed(steps=1, validate_steps=1, average=1) | {"init": {"all": {"from": str(folder)}}}
    play(tmp_path / "again", again)
    assert torch.equal(model_of(tmp_path / "again" / "model.pt")["reference"], states[0]["reference"])
    assert "which came with the weights" in (tmp_path / "again" / "train.log").read_text()
    with pytest.raises(ConfigError, match="frozen_reference: 9999 windows, but an epoch has"):
        play(tmp_path / "large", changed({"frozen_reference": 9999}))


def test_two_processes_make_the_steps_of_one_that_accumulates(play, tmp_path, monkeypatch):
    monkeypatch.setattr(  # the draws of two processes are not those of one
        SeganGenerator, "latent", lambda self, windows, generator=None: torch.ones(len(windows), 6, 64)
    )
    play(tmp_path / "alone", changed(accumulate=2))
    assert toy_games.in_processes(2, play, tmp_path / "both", CONFIG) == [0, 0]
    alone, both = (model_of(tmp_path / name / "last.pt") for name in ("alone", "both"))
    assert torch.equal(alone["reference"], both["reference"])
    for name, value in alone.items():
        torch.testing.assert_close(both[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("frozen", [12, None])
def test_a_step_in_mixed_precision_is_near_that_of_float32(corpus, frozen):
    from nrsr.training.run import open_data

    settings = parse_experiment(changed({"frozen_reference": frozen}))
    data = open_data(settings.config, corpus / "train", None, settings.batches, False)
    data.prepare_for_training()
    batches = [data.collate([data[item] for item in items]) for items in data.batches(settings.batches, 1, 0)[:4]]
    losses = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        system = build_system(settings.config)
        system.prepare(batches)
        for turn in build_turns(settings.turns, system, precision):
            torch.manual_seed(1)
            step = turn.step(system, batches[:1], [1.0])
            assert step.updated
            losses.setdefault(turn.name, []).append(step.metrics)
    for float32, bfloat16 in losses.values():
        for name in float32.keys() - {"norm"}:
            assert bfloat16[name] == pytest.approx(float32[name], rel=0.05, abs=0.02), name
