"""Every shipped config of the gan recipes builds its system, of published size in sc09, and small ones make steps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import load_yaml
from nrsr.data.batch import Batch, Example, collate
from nrsr.experiment.settings import parse_experiment
from nrsr.nn import GlobalNorm
from nrsr.systems import Classifier, WhiteNoise, build_system
from nrsr.systems.adversarial import Adversarial
from nrsr.training.turns import build_turns

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(path for path in ROOT.glob("egs/*/gan/conf/*.yaml") if "system" in load_yaml(path))
GENERATORS = [path for path in CONFIGS if not path.stem.startswith(("asr_", "classifier", "white_noise"))]
DIGITS = [str(number) for number in range(10)]

# Parameters of all players together.
PARAMETERS = {
    "sc09/classifier": 1_331_850,
    "sc09/gan": 2_503_984 + 1_231_441,
    "sc09/conditional_gan": 2_413_984 + 1_224_351,
    "sc09/control_gan": 9_525_644,
    "sc09/dcgan": 3_574_656 + 2_763_520,
    "sc09/wavegan": 19_065_345 + 17_427_969,
    "sc09/wavegan_no_shuffle": 19_065_345 + 17_427_969,
    "sc09/wavegan_labels": 19_229_185 + 17_443_969,
    "sc09/specgan": 19_065_345 + 17_427_969,
}


def name_of(path: Path) -> str:
    return f"{path.parts[-4]}/{path.stem}"


def system_of(config: dict):
    kinds = config.get("data", {}).get("labels", {})
    return build_system(config, metadata={"classes": dict.fromkeys(kinds, DIGITS)} if kinds else {})


def test_all_of_the_systems_are_there():
    names = {name_of(path) for path in CONFIGS}
    assert names >= PARAMETERS.keys()
    assert names >= {name.replace("sc09", "fsdd") for name in PARAMETERS}


@pytest.mark.parametrize("path", GENERATORS, ids=name_of)
def test_a_config_is_whole(path):
    config = load_yaml(path)
    settings = parse_experiment(config, path.name)
    with torch.device("meta"):  # shapes alone
        system = system_of(config)
        turns = build_turns(settings.turns, system)
    assert isinstance(system, Adversarial) and config["data"]["segment"] == system.length
    assert not settings.training.selection.criterion and settings.training.clip is None
    wanted = {turn.name: turn.settings.weights_at(0) for turn in turns}
    critic = type(system.objective).__name__ == "Wasserstein"
    assert wanted["discriminator"] == ({"adversarial": 1.0, "penalty": 10.0} if critic else {"adversarial": 1.0})
    assert {turn.settings.repeat for turn in turns} == ({1, 5} if critic else {1})
    assert ("control" in wanted["generator"]) == ("classifier" in wanted) == (path.stem == "control_gan")
    if name_of(path) in PARAMETERS:
        assert sum(parameter.numel() for parameter in system.parameters()) == PARAMETERS[name_of(path)]


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem == "classifier"], ids=name_of)
def test_a_classifier_is_whole(path):
    config = load_yaml(path)
    parse_experiment(config, path.name)
    system = system_of(config)
    assert isinstance(system, Classifier) and config["data"]["segment"] == system.length
    if name_of(path) in PARAMETERS:
        assert sum(parameter.numel() for parameter in system.parameters()) == PARAMETERS[name_of(path)]


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem == "white_noise"], ids=name_of)
def test_noise_is_as_long_as_the_words(path):
    system = system_of(load_yaml(path))
    assert isinstance(system, WhiteNoise) and system.length == load_yaml(path.parent / "words.yaml")["data"]["segment"]


def batch_of(samples: int) -> Batch:
    rng = np.random.default_rng(0)
    waves = [rng.normal(0, 0.1, samples).astype(np.float32) for _ in range(4)]
    return collate([Example(f"u{n}", wave, None, None, {"word": n}) for n, wave in enumerate(waves)], samples)


@pytest.mark.parametrize("path", [path for path in GENERATORS if "sc09" not in path.parts], ids=name_of)
def test_a_config_makes_a_step_of_each_turn(path):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = system_of(config)
    batch = batch_of(system.length)
    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    for turn in build_turns(parse_experiment(config).turns, system):
        step = turn.step(system, [batch], [1.0])
        assert step.updated, step.metrics
    assert all(parameter.isfinite().all() for parameter in system.parameters())


@pytest.mark.parametrize("name", ["real", "generated", "both"])
def test_recognisers_of_augment_differ_in_their_noise_alone(name):
    config = load_yaml(ROOT / f"egs/fsdd/gan/conf/asr_{name}.yaml")
    plain = load_yaml(ROOT / "egs/fsdd/asr/conf/no_se_fly_b97.yaml")
    [real] = plain["data"]["augment"]
    generated = {**real, "noise": "../noise_generated"}
    # In half of the draws the second noise of "both" takes the place of the first one, see test_add_noise.py.
    expected = {"real": [real], "generated": [generated], "both": [real, {**generated, "probability": 0.5}]}
    assert config["data"]["augment"] == expected[name]
    assert {**config, "data": None} == {**plain, "data": None}
