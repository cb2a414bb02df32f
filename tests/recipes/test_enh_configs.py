"""Every shipped config of the enh recipes builds its system and makes a step, with the noise of its own fold."""

from pathlib import Path

import pytest
import torch

from nrsr.config import load_yaml
from nrsr.data.augmentation import build_augmentations
from nrsr.data.batch import Batch
from nrsr.experiment.modules import freeze
from nrsr.experiment.settings import parse_experiment
from nrsr.systems import build_system
from nrsr.training.turns import build_turns

ROOT = Path(__file__).resolve().parents[2]
RECIPES = [ROOT / "egs" / corpus / "enh" for corpus in ("fsdd", "mini", "ravdess", "voicebank")]
CONFIGS = sorted(path for recipe in RECIPES for path in recipe.glob("conf/*.yaml"))

# Trainable parameters.
PARAMETERS = {
    "egs/fsdd/enh/conf/mask_blstm.yaml": 199_233,
    "egs/fsdd/enh/conf/convtasnet.yaml": 219_375,
    "egs/fsdd/enh/conf/segan.yaml": 986_706,
    "egs/fsdd/enh/conf/mel_vocoder.yaml": 453_066,
    "egs/mini/enh/conf/mask_blstm.yaml": 116_481,
    "egs/mini/enh/conf/convtasnet.yaml": 108_973,
    "egs/mini/enh/conf/segan.yaml": 986_706,
    "egs/ravdess/enh/conf/mask_blstm.yaml": 322_241,
    "egs/ravdess/enh/conf/convtasnet.yaml": 288_271,
    "egs/ravdess/enh/conf/segan.yaml": 1_002_178,
    "egs/voicebank/enh/conf/mask_blstm.yaml": 9_263_105,
    "egs/voicebank/enh/conf/convtasnet.yaml": 4_935_217,
    "egs/voicebank/enh/conf/segan.yaml": 73_100_049 + 24_373_081,
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_table_of_parameters_names_every_config():
    assert sorted(PARAMETERS) == [name_of(path) for path in CONFIGS]


@pytest.mark.parametrize("path", [path for path in CONFIGS if "voicebank" not in path.parts], ids=name_of)
def test_noise_is_drawn_on_the_fly_from_the_training_noises_of_the_data(path):
    (noise,) = build_augmentations(load_yaml(path)["data"]["augment"])
    assert (noise.noise, noise.snr, noise.onto) == ("../noise_train", (-5, 15), "clean")


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_has_its_size_and_makes_a_step(path):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = build_system(config)
    assert sum(parameter.numel() for parameter in system.parameters()) == PARAMETERS[name_of(path)]
    clean = 0.1 * torch.randn(2, 16384)
    waves, lengths = clean + 0.03 * torch.randn(2, 16384), torch.tensor([16384, 16384])
    batch = Batch(["a", "b"], waves, lengths, clean, torch.ones(2, dtype=torch.bool), None, None)
    system.accumulate_statistics(waves, lengths)
    for module in system.modules():
        if hasattr(module, "finish"):
            module.finish()
    system.prepare([batch] * 8)
    freeze(system, config.get("freeze", ()))
    for turn in build_turns(parse_experiment(config, path.name).turns, system):
        before = [parameter.detach().clone() for parameter in turn.parameters]
        step = turn.step(system, [batch], [1.0])
        assert step.updated, step.metrics
        changed = [not torch.equal(old, new) for old, new in zip(before, turn.parameters, strict=True)]
        assert all(torch.isfinite(parameter).all() for parameter in turn.parameters)
        assert sum(changed) > 0.9 * len(changed)
