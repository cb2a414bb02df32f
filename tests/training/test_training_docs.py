"""What docs/training.md shows is what the loop takes, and the published games move when they should."""

import re
from pathlib import Path

import pytest

from nrsr.config.yaml_files import load_yaml
from nrsr.experiment.settings import parse_experiment

ROOT = Path(__file__).resolve().parents[2]
BASE = {"sample_rate": 16000, "system": {"class": "x.Y"}, "training": {"epochs": 1}}
MAIN = {"loss_weights": {"asr": 1.0}, "optimiser": {"class": "torch.optim.Adam"}}


@pytest.fixture
def examples(tmp_path):
    """The YAML blocks, as settings."""
    parsed = []
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/training.md").read_text(), flags=re.DOTALL):
        (tmp_path / "part.yaml").write_text(block)
        part = load_yaml(tmp_path / "part.yaml")
        parsed.append(parse_experiment({**BASE, **({} if "turns" in part else MAIN), **part}))
    return parsed


def test_the_published_games_are_configs(examples):
    wavegan, parallel, segan = (example for example in examples if "main" not in example.turns)
    assert wavegan.turns["discriminator"].repeat == 5 and wavegan.turns["discriminator"].clip is None
    generator, discriminator = parallel.turns["generator"], parallel.turns["discriminator"]
    assert (generator.clip, discriminator.clip) == (10, 1)
    assert [discriminator.moves(step) for step in (0, 99_999, 100_000, 100_001)] == [False, False, True, True]
    assert generator.moves(0) and generator.weights_at(99_999) == {"spectral": 1.0}
    assert generator.weights_at(100_000) == {"spectral": 1.0, "adversarial": 4.0}
    # A schedule of the discriminator counts from its first step.
    assert discriminator.own_step(100_000) == 0 and discriminator.own_step(400_000) == 300_000
    assert segan.turns["generator"].weights_at(0)["l1"] == 100.0 and segan.turns["generator"].clip is None


def test_the_other_parts_are_configs(examples):
    first, steps, *_, modules = examples
    assert first.training.ema == 0.999 and first.training.selection.criterion == "loss"
    assert steps.training.steps == 400_000 and not steps.training.selection.criterion
    assert modules.freeze == ["frontend"] and modules.init["ctc"].module == "model.head"
    assert (
        str(modules.init["frontend"].source) == "exp/frontend_seed1" and modules.init["frontend"].module == "frontend"
    )


def test_when_a_turn_moves():
    spec = {"turns": {"a": {**MAIN, "start": 2, "every": 3, "repeat": 2}}, "sample_rate": 8000, "system": {}}
    turn = parse_experiment({**spec, "training": {"steps": 12, "clip": 7.0}}).turns["a"]
    assert [step for step in range(12) if turn.moves(step)] == [2, 5, 8, 11]
    assert [turn.own_step(step) for step in (0, 2, 3, 5, 6, 12)] == [0, 0, 2, 2, 4, 8]
    assert turn.clip == 7.0
