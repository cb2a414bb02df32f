"""Every shipped config of the hybrid recipes builds: networks of their sizes, features, GMMs; small ones step."""

from pathlib import Path

import pytest
import torch

from nrsr.config import build, load_yaml, settings_from
from nrsr.corpora.digits import DIGITS
from nrsr.data.features import FeatureSettings
from nrsr.data.frames import FrameBatch
from nrsr.data.labels import LabelSettings
from nrsr.experiment.settings import parse_experiment
from nrsr.hmm.gmm_folder import settings_of
from nrsr.kaldi.lexicon import read_lexicon
from nrsr.signal import FeatureExtractor
from nrsr.systems import System, build_system
from nrsr.training.turns import build_turns

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = ("single", "multitask", "amtl", "invariant")
RECIPES = [ROOT / "egs" / corpus / "hybrid" for corpus in ("mini", "fsdd", "aurora4")]
CONFIGS = [recipe / "conf" / f"{name}.yaml" for recipe in RECIPES for name in SYSTEMS]
FEW = [ROOT / "egs/fsdd/hybrid/conf/few" / f"{name}.yaml" for name in SYSTEMS]
KINDS = ["clean", *(f"noise{number}" for number in range(17))]  # of noise; Shinohara's 17, and clean speech
SENONES = 300

# Trainable parameters of the system that a config describes, for 300 senones.
PARAMETERS = {
    "mini": {"single": 144_684, "multitask": 154_110, "amtl": 154_110, "invariant": 153_070},
    "fsdd": {"single": 453_164, "multitask": 488_382, "amtl": 488_382, "invariant": 486_318},
    "aurora4": {"single": 24_301_868, "multitask": 26_418_494, "amtl": 26_418_494, "invariant": 26_402_094},
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def build_of(path: Path) -> tuple[dict, System]:
    """A config and its system, with metadata as training data give them."""
    config = load_yaml(path)
    features = load_yaml(next(path.parents[up] / "fbank.yaml" for up in (0, 1) if path.parents[up].name == "conf"))
    assert features["sample_rate"] == config["sample_rate"]
    options = {name: value for name, value in config["data"].items() if name in FeatureSettings.__annotations__}
    labels = {name: settings_from(LabelSettings, spec, name) for name, spec in config["data"].get("labels", {}).items()}
    classes = {name: ["clean", "other"] if label.against else KINDS for name, label in labels.items()}
    dim = features["features"]["num_mel_bins"] * (settings_from(FeatureSettings, options, "data").deltas + 1)
    metadata = {"input_dim": dim, "senone_counts": [1] * SENONES, "classes": classes}
    return config, build_system(config, metadata=metadata)


def test_each_recipe_has_the_four_systems_and_nothing_else():
    others = {"fbank", "mfcc", "gmm"}
    for recipe in RECIPES:
        assert {path.stem for path in recipe.glob("conf/*.yaml")} == {*SYSTEMS, *others}


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_is_whole_and_has_its_size(path):
    with torch.device("meta"):  # shapes alone
        config, system = build_of(path)
    settings = parse_experiment(config, path.name)
    [turn] = build_turns(settings.turns, system)
    assert set(turn.settings.loss_weights) == {"senone", *system.heads}
    corpus = path.relative_to(ROOT / "egs").parts[0]
    assert sum(parameter.numel() for parameter in system.parameters()) == PARAMETERS[corpus][path.stem]


@pytest.mark.parametrize("path", FEW, ids=name_of)
def test_networks_that_hear_few_noises_have_the_published_depth_and_layer(path):
    with torch.device("meta"):
        config, system = build_of(path)
    assert len(system.network.layers) == 6
    [turn] = build_turns(parse_experiment(config, path.name).turns, system)
    assert set(turn.settings.loss_weights) == {"senone", *system.heads}
    for head in system.heads.values():
        assert head.settings.layer == 4 and head.schedule.epochs < config["training"]["epochs"]


@pytest.mark.parametrize("folder", [*(recipe / "conf" for recipe in RECIPES), FEW[0].parent], ids=name_of)
def test_the_systems_differ_in_what_their_names_say(folder):
    configs = {name: load_yaml(folder / f"{name}.yaml") for name in SYSTEMS}
    heads = {name: config["system"].get("heads", {}) for name, config in configs.items()}
    assert heads["single"] == {}
    assert heads["amtl"]["noise"].get("reversed", True) and not heads["multitask"]["noise"]["reversed"]
    assert {**heads["multitask"]["noise"], "reversed": True} == {"reversed": True, **heads["amtl"]["noise"]}
    assert heads["invariant"]["condition"].get("reversed", True)
    assert configs["invariant"]["data"]["balance"] == "condition"
    for config in configs.values():  # the rest is the same, so that the heads make the difference
        config["system"].pop("heads", None)
        del config["data"], config["loss_weights"]
        assert config == configs["single"]


def test_the_published_size():
    """6 layers of 2048 ReLU on 1320 inputs; the head of clean against noisy sits at layer 4."""
    with torch.device("meta"):
        config, system = build_of(RECIPES[2] / "conf" / "invariant.yaml")
    assert [layer[0].weight.shape for layer in system.network.layers] == [(2048, 1320), *[(2048, 2048)] * 5]
    assert config["system"]["heads"]["condition"]["layer"] == 4
    assert config["training"]["epochs"] == 15


@pytest.mark.parametrize("path", [path for path in CONFIGS if "aurora4" not in path.parts], ids=name_of)
def test_a_config_makes_a_step(path):
    torch.manual_seed(0)
    config, system = build_of(path)
    system.accumulate_statistics(torch.randn(4, 50, system.input_dim), torch.tensor([50, 40, 30, 20]))
    system.norm.finish()
    system.set_progress(1.0, 100.0)  # all of alpha is in force
    rows = 32
    inputs = torch.randn(rows, system.network.left + 1 + system.network.right, system.input_dim)
    labels = {name: torch.arange(rows) % 2 for name in ("noise", "condition")}
    batch = FrameBatch(["a"], inputs, torch.randint(SENONES, (rows, 1)), labels)
    [turn] = build_turns(parse_experiment(config).turns, system)
    before = [parameter.detach().clone() for parameter in turn.parameters]
    step = turn.step(system, [batch], [1.0])
    assert step.updated, step.metrics
    assert all(torch.isfinite(parameter).all() for parameter in turn.parameters)
    changed = [not torch.equal(old, new) for old, new in zip(before, turn.parameters, strict=True)]
    assert all(changed)


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_features_of_gmms_and_networks_have_the_same_frames(recipe):
    """Alignments of the GMMs are targets of the networks, frame by frame."""
    waves, frames = torch.randn(1, 16000), []
    for name in ("mfcc", "fbank"):
        config = load_yaml(recipe / "conf" / f"{name}.yaml")
        extractor = build(config["features"], FeatureExtractor, name, sample_rate=config["sample_rate"])
        frames.append(int(extractor(waves, torch.tensor([15000]))[1]))
    assert frames[0] == frames[1] > 80
    settings_of(load_yaml(recipe / "conf" / "gmm.yaml"), "gmm.yaml")


def test_the_lexicon_of_digits_is_one():
    entries = read_lexicon(RECIPES[1] / "conf" / "lexicon.txt")
    assert {entry.word for entry in entries} == set(DIGITS)
    assert len({phone for entry in entries for phone in entry.phones}) == 19
