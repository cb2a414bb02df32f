"""Every shipped config of the sep recipes builds its system, of the published size, and small ones make a step."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import load_yaml
from nrsr.data.batch import Batch, Example, collate
from nrsr.experiment.settings import parse_experiment
from nrsr.systems import build_system
from nrsr.training.turns import build_turns

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(ROOT.glob("egs/*/sep/conf/*.yaml"))

# Parameters for two and three speakers. In brackets what the papers say, in millions.
PUBLISHED = {
    "convtasnet": (5_050_545, 5_116_593),  # (5.1)
    "dprnn": (14_617_089, 14_682_881),  # (14.6, and 14.7 for three speakers)
    "sepformer": (25_679_361, 25_745_153),  # (25.7)
    "unified_dprnn": (19_684_098, 19_749_890),  # (19.7)
    "unified_sepformer": (29_171_458, 29_237_250),  # (29.2)
}
MILLIONS = {"convtasnet": "5.1 5.1", "dprnn": "14.6 14.7", "sepformer": "25.7 25.7"}
MILLIONS |= {"unified_dprnn": "19.7 19.7", "unified_sepformer": "29.2 29.2"}
PARAMETERS = {
    f"egs/librimix/sep/conf/{name}_{speakers}mix{end}.yaml": sizes[speakers - 2]
    for name, sizes in PUBLISHED.items()
    for speakers in (2, 3)
    for end in (("", "_gm") if name.startswith("unified") else ("",))
}
PARAMETERS |= {
    "egs/fsdd/sep/conf/sep_2mix.yaml": 190_337,
    "egs/fsdd/sep/conf/sep_3mix.yaml": 192_689,
    "egs/emodb/sep/conf/sep_2mix.yaml": 211_969,
    "egs/emodb/sep/conf/sep_2mix_8k.yaml": 190_337,
    "egs/mini/sep/conf/sep_2mix.yaml": 89_729,
    "egs/mini/sep/conf/convtasnet_2mix.yaml": 157_845,
    "egs/mini/sep/conf/sepformer_2mix.yaml": 148_658,
}
for end in ("", "_gm", "_gr"):
    PARAMETERS[f"egs/fsdd/sep/conf/unified_2mix{end}.yaml"] = 288_434
    PARAMETERS[f"egs/fsdd/sep/conf/unified_3mix{end}.yaml"] = 290_786
    PARAMETERS[f"egs/emodb/sep/conf/unified_2mix{end}.yaml"] = 316_338
    PARAMETERS[f"egs/emodb/sep/conf/unified_2mix{end}_8k.yaml"] = 288_434
    PARAMETERS[f"egs/mini/sep/conf/unified_2mix{end}.yaml"] = 135_202


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_table_of_parameters_names_every_config():
    assert sorted(PARAMETERS) == [name_of(path) for path in CONFIGS]


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_are_the_published_ones(name):
    assert " ".join(f"{size / 1e6:.1f}" for size in PUBLISHED[name]) == MILLIONS[name]


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_is_whole_and_has_its_size(path):
    config = load_yaml(path)
    settings = parse_experiment(config, path.name)
    with torch.device("meta"):  # shapes alone
        system = build_system(config)
    assert sum(parameter.numel() for parameter in system.parameters()) == PARAMETERS[name_of(path)]
    assert f"_{system.speakers}mix" in path.stem
    [turn] = build_turns(settings.turns, system)
    assert turn.settings.weights_at(0) == ({"sep": 1.0} if system.enhancer is None else {"sep": 1.0, "se": 0.1})
    if path.stem.removesuffix("_8k").endswith(("_gm", "_gr")):
        assert (turn.combiner.main, turn.combiner.auxiliary) == ("sep", "se")
        assert {name.split(".")[0] for name in turn.shared} == {"encoder", "enhancer"}


def test_the_published_settings():
    for name, start in (("unified_sepformer", 5), ("unified_dprnn", 85)):
        config = load_yaml(ROOT / f"egs/librimix/sep/conf/{name}_3mix_gm.yaml")
        assert config["optimiser"] == {"class": "torch.optim.Adam", "lr": 1.5e-4}
        assert config["schedule"] == {
            "class": "nrsr.training.schedules.Plateau", "decay": 0.5, "patience": 2, "start": start,
        }  # fmt: skip
        assert (config["training"]["epochs"], config["training"]["clip"], config["batches"]["size"]) == (120, 5.0, 1)
        assert config["data"] == {"speeds": [95, 100, 105]}


def small_batch(speakers: int) -> Batch:
    rng = np.random.default_rng(0)
    examples = []
    for name, samples in (("a", 2000), ("b", 1800)):
        sources = rng.normal(0, 0.1, (speakers, samples)).astype(np.float32)
        examples.append(Example(name, sources.sum(0) + sources[0] ** 2, None, None, {}, sources))
    return collate(examples)


STEPPED = [path for path in CONFIGS if "librimix" not in path.parts]
STEPPED.append(ROOT / "egs/librimix/sep/conf/unified_dprnn_2mix_gm.yaml")


@pytest.mark.parametrize("path", STEPPED, ids=name_of)
def test_a_config_makes_a_step(path):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = build_system(config)
    [turn] = build_turns(parse_experiment(config).turns, system)
    before = [parameter.detach().clone() for parameter in turn.parameters]
    step = turn.step(system, [small_batch(system.speakers)], [1.0])
    assert step.updated, step.metrics
    changed = [not torch.equal(old, new) for old, new in zip(before, turn.parameters, strict=True)]
    assert all(torch.isfinite(parameter).all() for parameter in turn.parameters)
    assert sum(changed) > 0.9 * len(changed)
    if "_gm" in path.stem:
        assert 0.0 <= step.metrics["conflicts"] <= 1.0
