"""Modules from other experiments and files, and frozen ones: what they hold, what it costs, and what is refused."""

import copy
import os
import re

import pytest
import torch
import toy_games

import nrsr
from nrsr.errors import NrsrError
from nrsr.experiment.average import average_experiment
from nrsr.experiment.checkpoint import CheckpointError
from nrsr.training import run
from nrsr.training.run import run_training

SHORT = {"steps": 4, "validate_steps": 2, "average": 1, "select": "last"}


def config_of(**changes):
    config = copy.deepcopy(toy_games.WGAN)
    config["turns"]["generator"].update(start=0, every=1, loss_weights={"fool": 1.0})
    del config["freeze"]
    return config | {"training": SHORT} | changes


@pytest.fixture
def play(corpus):
    def train(folder, seed=1, **changes):
        run_training(config_of(**changes), seed, corpus / "train", corpus / "dev", None, folder)
        return folder

    return train


def model(folder, name="model.pt"):
    return torch.load(folder / name, weights_only=True)["model"]


def test_modules_come_from_an_experiment_a_checkpoint_or_a_file(play, tmp_path, capsys):
    source = play(tmp_path / "source", seed=7)
    foreign = {"net": {"critic": {"in": {"weight": torch.ones(6, 16).half(), "bias": torch.zeros(6)}}}, "steps": 3}
    torch.save(foreign, tmp_path / "foreign.pt")
    init = {
        "map": {"from": str(source)},
        "generator": {"from": str(source / "checkpoints" / "step0000002.pt")},
        "critic.0": {"from": str(tmp_path / "foreign.pt"), "module": "net.critic.in"},
    }
    # The last of the source's two checkpoints is kept, and the best one, which is the last: make the other again.
    (source / "checkpoints" / "step0000004.pt").rename(source / "checkpoints" / "step0000002.pt")
    folder = play(tmp_path / "exp", init=init, freeze=["map", "generator.0", "critic.0"])
    trained = model(folder)
    for name, value in model(source).items():
        if name.startswith(("map.", "generator.0.")):
            assert torch.equal(trained[name], value), name
        elif name.endswith("weight"):
            assert not torch.equal(trained[name], value), name
    assert torch.equal(trained["critic.0.weight"], torch.ones(6, 16))
    told = capsys.readouterr().err
    assert f"map: initialised from map of {source / 'model.pt'} (sha256 " in told


def test_the_whole_system_comes_from_an_experiment(play, tmp_path, monkeypatch):
    source = play(tmp_path / "source", seed=7)
    monkeypatch.setattr(run, "train", lambda training, progress: seen.update(training.system.state_dict()))
    seen = {}
    play(tmp_path / "exp", init={"all": {"from": str(source)}})
    assert all(torch.equal(seen[name], value) for name, value in model(source).items())


def test_frozen_modules_stay_stand_once_and_go_on(play, tmp_path, monkeypatch):
    freeze = {"freeze": ["map", "generator.1"], "training": SHORT | {"save_steps": 1}}
    whole = play(tmp_path / "whole", **freeze)
    state = torch.load(whole / "last.pt", weights_only=True)
    frozen = torch.load(whole / "frozen.pt", weights_only=True)["model"]
    assert {name.rsplit(".", 1)[0] for name in frozen} == {"map", "generator.1"}
    for content in (state, torch.load(whole / "checkpoints" / "step0000004.pt", weights_only=True)):
        assert not frozen.keys() & content["model"].keys() and len(content["frozen"]) == 64
    # Neither has the optimiser a state for them; and the running statistics of a frozen layer stand still.
    moved = len(state["optimisers"]["generator"]["state"])
    assert moved == 4 and torch.equal(frozen["generator.1.running_mean"], torch.zeros(6))
    assert model(whole).keys() == frozen.keys() | state["model"].keys()
    assert set(nrsr.load(whole).system.state_dict()) == set(model(whole))

    real, left = os.replace, [6]

    def replace(source, target):
        left[0] -= str(target).endswith("last.pt")
        if not left[0]:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            play(tmp_path / "parts", **freeze)
    kept = (tmp_path / "parts" / "frozen.pt").read_bytes()
    (tmp_path / "parts" / "frozen.pt").write_bytes(kept[:-100] + kept[-99:])
    with pytest.raises(CheckpointError, match=r"frozen.pt: not the file that last.pt was written beside \(checksum\)"):
        play(tmp_path / "parts", **freeze)
    (tmp_path / "parts" / "frozen.pt").write_bytes(kept)
    play(tmp_path / "parts", **freeze)
    assert all(torch.equal(value, model(whole)[name]) for name, value in model(tmp_path / "parts").items())

    (whole / "frozen.pt").unlink()
    with pytest.raises(CheckpointError, match=r"frozen.pt: no such file, and step0000004.pt leaves its frozen weights"):
        average_experiment(whole, 1)


def test_a_training_that_goes_on_needs_its_sources_no_more(play, tmp_path, monkeypatch):
    source = play(tmp_path / "source", seed=7)
    changes = {"init": {"map": {"from": str(source)}}, "freeze": ["map"], "training": SHORT | {"save_steps": 1}}
    with monkeypatch.context() as patched:
        patched.setattr(run, "train", lambda *given: None)
        play(tmp_path / "exp", **changes)  # a first start, killed before its first save, leaves no last.pt
    play(tmp_path / "exp", **changes)
    state = torch.load(tmp_path / "exp" / "last.pt", weights_only=True)
    state["progress"] |= {"finished": False, "step": 2, "history": state["progress"]["history"][:1]}
    torch.save(state, tmp_path / "exp" / "last.pt")
    (source / "model.pt").unlink()
    play(tmp_path / "exp", **changes)
    assert torch.load(tmp_path / "exp" / "last.pt", weights_only=True)["progress"]["step"] == 4


BAD = [
    ({"init": {"mapp": {"from": "SOURCE"}}}, "init.mapp: the system has no module 'mapp'; it has map, generator"),
    ({"init": {"map": {"from": "SOURCE", "module": "mop"}}},
     r"init.map: .*model.pt has no module mop; it has map, generator, critic"),
    ({"init": {"map": {"from": "nowhere"}}}, "nowhere: no such file; name an experiment"),
    ({"init": {"map": {"from": "SOURCE", "module": "generator"}}},
     "generator of .*model.pt does not fit: missing: weight, bias; left over: 0.weight, 0.bias, .*, and 1 more$"),
    ({"init": {"map": {"from": "SOURCE", "module": "critic.0"}}},
     r"does not fit: other shapes: weight \(6, 16\) for \(16, 16\), bias \(6,\) for \(16,\)"),
    ({"init": {"map": {"form": "SOURCE"}}}, "init.map: expected .* with the key 'from'"),
    ({"init": {"map": {"from": "SOURCE", "strict": False}}}, "init.map: unknown key strict"),
    ({"init": ["map"]}, "init: expected `module: {from: exp/a}` lines"),
    ({"init": {"map": {"from": "DATA"}}}, "holds no weights; name an experiment"),
    ({"freeze": ["mapp"]}, "freeze: the system has no module 'mapp'; it has map, generator, critic"),
    ({"freeze": "map"}, "freeze: expected a list"),
    ({"freeze": ["generator"]}, "turns.generator: all its parameters are frozen, so that it never moves"),
    ({"freeze": ["all"]}, "turns.generator: all its parameters are frozen"),
    ({"training": SHORT | {"epochs": 2}}, "training.steps: is set beside epochs; take one of them out"),
    ({"training": {"select": "last"}}, "training.steps: or epochs is missing; set one"),
    ({"training": {"epochs": 2, "validate_steps": 3}}, "training.validate_steps: goes with training.steps"),
    ({"training": SHORT | {"ema": 1.0}}, "training.ema: 1.0 must lie between 0 and 1"),
    ({"training": SHORT | {"patience": 2}}, "training.patience: needs a criterion"),
    ({"training": SHORT | {"select": {"criterion": "loss", "best": "most"}}}, "training.select.best: 'most': take one"),
    ({"training": SHORT | {"select": {"best": "highest", "criteria": 1}}}, "training.select: unknown key criteria"),
    ({"training": SHORT | {"select": "wer"}}, "training.select: 'wer' is no criterion of this system; it has loss"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_what_does_not_fit_is_refused_in_one_line(play, tmp_path, changes, message):
    if "from" in repr(changes):
        play(tmp_path / "source", seed=7)
        torch.save({"a": 3}, tmp_path / "data.pt")
        changes = copy.deepcopy(changes)
        for entry in changes["init"].values():
            if "from" in entry:
                names = {"SOURCE": str(tmp_path / "source"), "DATA": str(tmp_path / "data.pt")}
                entry["from"] = names.get(entry["from"], entry["from"])
    with pytest.raises(NrsrError) as refused:
        play(tmp_path / "exp", **changes)
    assert re.search(message, str(refused.value)), str(refused.value)
    assert "\n" not in str(refused.value) and not (tmp_path / "exp" / "last.pt").exists()


GAMES = [
    ({"start": 4}, "turns.generator.start: 4, but the training has 4 steps, so that it never moves; take a lower"),
    ({"every": 0}, "turns.generator.every: 0 is too small; take 1 or more"),
    ({"repeat": 0}, "turns.generator.repeat: 0 is too small"),
    ({"start": -1}, "turns.generator.start: -1 is too small; take 0 or more"),
    ({"clip": 0}, "turns.generator.clip: 0 is too small; take more than 0, or null"),
    ({"clip": float("nan")}, "turns.generator.clip: nan is too small"),
    ({"evry": 2}, "turns.generator: unknown key evry"),
    ({"loss_weights": {"fool": 0.0}}, "turns.generator.loss_weights: every weight is 0, so that the turn never moves"),
    ({"loss_weights": {"fool": {"weight": 1.0, "start": 2}}}, "generator.start: 0, but no loss counts before step 2"),
    ({"loss_weights": {"fool": 1.0, "near": {"weight": 1.0, "start": 9}}},
     "loss_weights.near.start of turn generator: 9, but the training has 4 steps"),
    ({"loss_weights": {"fool": {"weight": "much"}}}, "loss_weights.fool: weight.weight: 'much' is no float"),
    ({"loss_weights": {"fool": {"wait": 3}}}, "turns.generator.loss_weights.fool: weight: unknown key wait"),
    ({"loss_weights": {"fool": True}}, "turns.generator.loss_weights.fool: True is no number"),
    ({"schedule": {"class": "nrsr.training.schedules.Plateau"}},
     "training.select: last names no criterion for the schedule of turn generator"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), GAMES, ids=[str(number) for number in range(len(GAMES))])
def test_turns_that_cannot_be_played_are_refused_in_one_line(play, tmp_path, changes, message):
    turns = config_of()["turns"]
    turns["generator"] |= changes
    with pytest.raises(NrsrError) as refused:
        play(tmp_path / "exp", turns=turns)
    assert re.search(message, str(refused.value)), str(refused.value)
    assert "\n" not in str(refused.value) and not (tmp_path / "exp" / "last.pt").exists()


def test_a_loss_that_moves_nothing_is_named(corpus, toy_config, tmp_path):
    config = toy_config | {"system": {"class": "toy_systems.ToyAsr"}, "freeze": ["denoise"]}
    with pytest.raises(NrsrError, match="loss_weights.se: depends on no parameter that is trained; take it out"):
        run_training(config, 1, corpus / "train", corpus / "dev", corpus / "units", tmp_path)
