"""Every shipped config of the voc recipes is whole, has its size, and agrees with the mels of its recipe."""

import re
from pathlib import Path

import pytest
import torch

from nrsr.config import load_yaml
from nrsr.data.mels import MelBatch
from nrsr.experiment.settings import parse_experiment
from nrsr.nn.weight_norm import fold_weight_norm
from nrsr.systems import GriffinLim, build_system
from nrsr.systems.gan_vocoder import GanVocoder
from nrsr.training.turns import build_turns, check_moves

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ("csmsc", "fsdd", "jsut", "ljspeech", "mini", "ravdess", "vctk")
CONFIGS = sorted(path for corpus in CORPORA for path in (ROOT / "egs" / corpus / "voc" / "conf").glob("*.yaml"))
SMALL = [path for path in CONFIGS if path.parts[-4] in ("fsdd", "mini", "ravdess") and "griffin" not in path.stem]

# Parameters of generators and discriminators without weight norm.
MELGAN, PWG_22K, PWG_24K = (4_260_257, 16_913_859), (1_334_309, 99_265), (1_334_311, 99_265)
HIFIGAN_D = 70_702_792
PARAMETERS = {
    "ljspeech/melgan": MELGAN,
    "ljspeech/parallel_wavegan": PWG_22K,
    "ljspeech/hifigan_v1": (13_926_017, HIFIGAN_D),
    "ljspeech/hifigan_v2": (925_985, HIFIGAN_D),
    "ljspeech/hifigan_v3": (1_462_273, HIFIGAN_D),
    **{f"{corpus}/parallel_wavegan": PWG_24K for corpus in ("vctk", "jsut", "csmsc")},
    **{f"{corpus}/melgan": (4_604_321, 16_913_859) for corpus in ("vctk", "jsut", "csmsc")},
    "fsdd/melgan": (267_345, 390_243),
    "fsdd/parallel_wavegan": (117_980, 18_849),
    "fsdd/hifigan": (202_465, 407_637),
    "mini/melgan": (321_617, 390_243),
    "mini/parallel_wavegan": (167_589, 18_849),
    "mini/hifigan": (239_713, 407_637),
    "ravdess/melgan": (305_233, 390_243),
    "ravdess/parallel_wavegan": (167_588, 18_849),
    "ravdess/hifigan": (230_497, 407_637),
}


def name_of(path: Path) -> str:
    return f"{path.parts[-4]}/{path.stem}"


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_table_of_parameters_names_every_config():
    assert sorted(PARAMETERS) == sorted(name_of(path) for path in CONFIGS if "griffin" not in path.stem)


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_is_whole_and_has_its_size(path):
    config = load_yaml(path)
    with torch.device("meta"):  # shapes alone
        system = build_system(config)
    if isinstance(system, GriffinLim):
        return
    assert isinstance(system, GanVocoder)
    settings = parse_experiment(config, path.name)
    turns = build_turns(settings.turns, system)
    check_moves(turns, settings.training.steps)
    assert config["data"]["segment"] % system.features.hop == 0
    assert config["data"]["segment"] > system.stft.shortest
    fold_weight_norm(system)
    assert (count(system.generator), count(system.discriminator)) == PARAMETERS[name_of(path)]


@pytest.mark.parametrize("corpus", CORPORA)
def test_vocoders_that_share_mels_have_one_definition(corpus):
    run = (ROOT / "egs" / corpus / "voc" / "run.sh").read_text()
    folder = ROOT / "egs" / corpus / "voc" / "conf"
    definitions = {}
    for path in folder.glob("*.yaml"):
        with torch.device("meta"):
            definitions[path.stem] = str(build_system(load_yaml(path)).features.definition())
    if corpus == "ljspeech":
        assert definitions["griffin_lim"] == definitions["parallel_wavegan"] != definitions["melgan"]
        assert definitions["griffin_lim_melgan"] == definitions["melgan"] != definitions["hifigan_v1"]
        assert definitions["griffin_lim_hifigan"] == definitions["hifigan_v1"] != definitions["griffin_lim"]
    else:
        assert len(set(definitions.values())) == 1
    named = re.findall(r"conf/(\w+)\.yaml", run)
    assert all((folder / f"{name}.yaml").is_file() or name == "world" for name in named)


def test_the_published_settings():
    config = load_yaml(ROOT / "egs/vctk/voc/conf/parallel_wavegan.yaml")
    generator, discriminator = config["turns"]["generator"], config["turns"]["discriminator"]
    assert generator["optimiser"] == {"class": "torch.optim.RAdam", "lr": 1e-4, "eps": 1e-6}
    assert discriminator["optimiser"] == {"class": "torch.optim.RAdam", "lr": 5e-5, "eps": 1e-6}
    assert (generator["clip"], discriminator["clip"], discriminator["start"]) == (10, 1, 100_000)
    assert generator["loss_weights"] == {"spectral": 1.0, "adversarial": {"weight": 4.0, "start": 100_000}}
    halved = {"class": "nrsr.training.schedules.StepDecay", "every": 200_000, "decay": 0.5}
    assert generator["schedule"] == discriminator["schedule"] == halved
    assert config["training"]["steps"] == 1_000_000
    assert load_yaml(ROOT / "egs/ljspeech/voc/conf/parallel_wavegan.yaml")["training"]["steps"] == 400_000
    crops = {"vctk": 24_000, "jsut": 25_500, "csmsc": 25_500, "ljspeech": 25_600}
    for corpus, segment in crops.items():
        data = load_yaml(ROOT / "egs" / corpus / "voc/conf/parallel_wavegan.yaml")["data"]
        assert data == {"segment": segment, "short": "leave_out"}, corpus
    config = load_yaml(ROOT / "egs/ljspeech/voc/conf/melgan.yaml")
    assert (config["data"]["segment"], config["batches"]["size"]) == (8192, 16)
    for turn in config["turns"].values():
        assert turn["optimiser"] == {"class": "torch.optim.Adam", "lr": 1e-4, "betas": [0.5, 0.9]}


@pytest.mark.parametrize("path", [path for path in SMALL if "parallel_wavegan" in path.stem], ids=name_of)
def test_small_parallel_wavegans_see_enough_noise_for_low_voices(path):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = build_system(config)
    noise = torch.randn(1, 4096, requires_grad=True)
    features = torch.randn(1, system.features.dim, 4096 // system.features.hop + 2 * system.context)
    system.generator(features, noise)[0, 2048].backward()
    reached = noise.grad[0].nonzero().flatten()
    field = int(reached.max() - reached.min()) + 1
    assert field >= 0.05 * config["sample_rate"]  # the period of a voice may be 15 ms, that of creaky voice 50 ms
    assert config["data"]["segment"] >= 4 * field  # three quarters of a crop see no padding


@pytest.mark.parametrize("path", SMALL, ids=name_of)
def test_a_small_config_makes_a_step(path):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = build_system(config)
    system.accumulate_statistics(torch.randn(1, 50, system.features.dim), torch.tensor([50]))
    system.norm.finish()
    frames = 1280 // system.features.hop
    mels = torch.randn(2, system.features.dim, frames + 2 * system.context)
    batch = MelBatch(["a", "b"], mels, 0.1 * torch.randn(2, 1280))
    for turn in build_turns(parse_experiment(config).turns, system):
        before = [parameter.detach().clone() for parameter in turn.parameters]
        step = turn.step(system, [batch], [1.0])
        assert step.updated, step.metrics
        changed = [not torch.equal(old, new) for old, new in zip(before, turn.parameters, strict=True)]
        assert all(torch.isfinite(parameter).all() for parameter in turn.parameters)
        assert sum(changed) > 0.9 * len(changed)
