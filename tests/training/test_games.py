"""Games of unequal players: who moves when on what, as a plain loop would; killed and resumed bit for bit."""

import copy
import json
import signal

import pytest
import torch
import toy_games
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import nrsr
from nrsr.experiment.generators import seed_generators
from nrsr.training import run
from nrsr.training.run import run_training


@pytest.fixture
def play(corpus):
    """Train a game: play(folder, config) -> folder."""

    def train(folder, config):
        run_training(copy.deepcopy(config), 1, corpus / "train", corpus / "dev", None, folder)
        return folder

    return train


def changed(**training):
    return {**toy_games.WGAN, "training": {**toy_games.WGAN["training"], **training}}


def state_of(folder):
    """All tensors of last.pt and model.pt by name, and what metrics.jsonl says but for the times."""
    found = {}

    def collect(value, name):
        if isinstance(value, torch.Tensor):
            found[name] = value
        elif isinstance(value, dict | list | tuple):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                collect(inner, f"{name}.{key}")

    for path in sorted(folder.glob("*.pt")):  # last.pt, model.pt, and frozen.pt where modules are frozen
        collect(torch.load(path, weights_only=True), path.name)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return found, [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def assert_same(first, second):
    (one, lines), (other, same_lines) = state_of(first), state_of(second)
    assert one.keys() == other.keys() and len(one) > 40
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert lines == same_lines


@pytest.mark.parametrize(("size", "kill"), [(1, 4), (2, 3)])
def test_a_game_killed_in_saving_goes_on_bit_for_bit(play, tmp_path, size, kill):
    config = changed(accumulate=2) if size == 1 else toy_games.WGAN
    assert toy_games.in_processes(size, play, tmp_path / "whole", config) == [0] * size
    folder = tmp_path / "killed"
    assert toy_games.in_processes(size, play, folder, config, kill=kill)[0] == -signal.SIGKILL
    assert torch.load(folder / "last.pt", weights_only=True)["progress"]["step"] > 2
    assert not (folder / "model.pt").exists()
    assert toy_games.in_processes(size, play, folder, config) == [0] * size
    assert_same(tmp_path / "whole", folder)


def test_two_processes_play_the_game_of_one_that_accumulates(play, tmp_path, monkeypatch):
    # Nothing random in the players: the draws of two processes are not those of one.
    monkeypatch.setattr(torch, "randn", lambda count, size: torch.linspace(-1, 1, size).expand(count, size))
    monkeypatch.setattr(torch, "rand", lambda count, size: torch.full((count, size), 0.3))
    monkeypatch.setattr(torch.nn.BatchNorm1d, "forward", lambda self, hidden: hidden * self.weight + self.bias)
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda self, hidden: hidden)
    play(tmp_path / "alone", changed(accumulate=2, validate_steps=18))
    both = tmp_path / "both"
    assert toy_games.in_processes(2, play, both, changed(validate_steps=18)) == [0, 0]
    alone, both = (torch.load(path / "last.pt", weights_only=True)["model"] for path in (tmp_path / "alone", both))
    for name, value in alone.items():
        torch.testing.assert_close(both[name], value, rtol=1e-3, atol=1e-5)


def test_the_loop_plays_what_a_plain_loop_plays(play, tmp_path, monkeypatch):
    config = changed(accumulate=1)
    made = []
    real = run.train
    monkeypatch.setattr(run, "train", lambda training, progress: made.append(training) or real(training, progress))
    play(tmp_path / "exp", config)
    [training] = made

    seed_generators(1)
    system = toy_games.ToyWgan(8000)
    players = {"critic": system.critic, "generator": system.generator}
    optimisers = {
        name: torch.optim.Adam(player.parameters(), 0.02, betas=(0.5, 0.9)) for name, player in players.items()
    }
    weights = [*system.generator.parameters(), *system.critic.parameters()]
    mean = [weight.detach().clone() for weight in weights]
    seed_generators(2)
    epoch, position, moved = 0, 0, 0

    def advance(name, batch, weighted, clip):
        optimisers[name].zero_grad()
        losses = system.losses(batch, name, weighted)
        sum(weighted[loss] * losses[loss] for loss in weighted).backward(inputs=list(players[name].parameters()))
        if clip:
            torch.nn.utils.clip_grad_norm_(players[name].parameters(), clip)
        optimisers[name].step()

    for step in range(18):
        batches = training.plan(epoch)[position : position + 3]
        read = list(training.loaded(training.train_set, batches))
        for batch in read:
            advance("critic", batch, {"wasserstein": 1.0, "penalty": 10.0}, None)
        if step >= 3 and (step - 3) % 2 == 0:
            optimisers["generator"].param_groups[0]["lr"] = 0.02 * min((moved + 1) / 3, (3 / (moved + 1)) ** 0.5)
            advance("generator", read[0], {"fool": 1.0} | ({"near": 2.0} if step >= 11 else {}), 0.5)
            moved += 1
        for one, weight in zip(mean, weights, strict=True):
            one.lerp_(weight.detach(), 1 - 0.9)
        position += 3
        if position >= len(training.plan(epoch)):
            epoch, position = epoch + 1, 0
    state = torch.load(tmp_path / "exp" / "last.pt", weights_only=True)
    for name, value in system.state_dict().items():
        if not name.startswith("map."):
            torch.testing.assert_close(state["model"][name], value, rtol=1e-5, atol=1e-6)
    for value, one in zip(state["ema"].values(), mean, strict=True):
        torch.testing.assert_close(value, one, rtol=1e-5, atol=1e-6)
    assert state["progress"]["updates"] == {"critic": 18 * 3 - lacking(training), "generator": 8} and epoch > 1


def lacking(training):
    """Own steps of the critic that the ends of the epochs have cost."""
    sizes = [len(training.plan(epoch)) for epoch in range(8)]
    lost, steps = 0, 0
    for size in sizes:
        for left in range(size, 0, -3):
            if steps < 18:
                lost, steps = lost + max(0, 3 - left), steps + 1
    return lost


def test_steps_are_validated_and_the_chosen_ones_kept(play, tmp_path):
    folder = play(tmp_path / "exp", toy_games.WGAN)
    history = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in history] == [7, 14, 18]
    highest = sorted(range(3), key=lambda place: -history[place]["dev"]["loss"])[:2]
    chosen = sorted(history[place]["step"] for place in highest)
    assert torch.load(folder / "model.pt", weights_only=True)["epochs"] == chosen
    kept = {int(path.stem.removeprefix("step")) for path in (folder / "checkpoints").iterdir()}
    assert kept == {*chosen, 18}
    log = (folder / "train.log").read_text()
    assert "step 7 of 18, 1 epochs done: train " in log and f"mean of steps {chosen[0]}, {chosen[1]}" in log
    assert "generator/near" not in history[0]["train"] and "generator/near" in history[1]["train"]
    assert history[1]["train"]["critic/penalty"] >= 0
    # What is kept has the mean of the weights, not those of the last step.
    state = torch.load(folder / "last.pt", weights_only=True)
    last = torch.load(folder / "checkpoints" / "step0000018.pt", weights_only=True)["model"]
    assert torch.equal(last["critic.0.weight"], state["ema"]["critic.0.weight"])
    assert not torch.equal(last["critic.0.weight"], state["model"]["critic.0.weight"])
    assert (folder / "model.pt").stat().st_size > 0 and nrsr.load(folder).system.map.weight.shape == (16, 16)
    events = EventAccumulator(str(folder / "tensorboard"), {"audio": 0, "images": 0}).Reload()
    assert [event.step for event in events.Audio("samples/made")] == [7, 14, 18]
    assert {"samples/made", "samples/image"} <= set(events.Tags()["images"])


def test_the_last_validations_are_chosen_without_a_criterion(play, tmp_path):
    folder = play(tmp_path / "exp", changed(select="last", average=2, ema=None))
    assert torch.load(folder / "model.pt", weights_only=True)["epochs"] == [14, 18]
    assert "ema" not in torch.load(folder / "last.pt", weights_only=True)
