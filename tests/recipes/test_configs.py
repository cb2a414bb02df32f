"""Every shipped config of the asr recipes builds its system, and makes one training step on generated audio."""

from pathlib import Path

import pytest
import torch

from nrsr.config import build, load_yaml
from nrsr.data import Batch
from nrsr.data.augmentation import build_augmentations
from nrsr.experiment.modules import freeze
from nrsr.gradients import Combiner
from nrsr.systems import build_system

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(ROOT.glob("egs/*/asr/conf/**/*.yaml"))
VOCABULARY = 13

# Parameters of the system that a config describes, frozen ones included, for 13 units.
PARAMETERS = {
    "egs/mini/asr/conf/no_se.yaml": 689_198,
    "egs/mini/asr/conf/mtl.yaml": 689_198,
    "egs/mini/asr/conf/pcgrad.yaml": 689_198,
    "egs/mini/asr/conf/gr.yaml": 689_198,
    "egs/mini/asr/conf/gm.yaml": 689_198,
    "egs/mini/asr/conf/attention.yaml": 841_179,
    "egs/mini/asr/conf/blstm.yaml": 712_238,
    "egs/mini/asr/conf/identity.yaml": 489_965,
    "egs/mini/asr/conf/unet.yaml": 678_449,
    "egs/mini/asr/conf/convtasnet.yaml": 735_386,
    "egs/fsdd/asr/conf/no_se.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl_published.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl_measured.yaml": 689_198,
    "egs/fsdd/asr/conf/gr_published.yaml": 689_198,
    "egs/fsdd/asr/conf/pcgrad.yaml": 689_198,
    "egs/fsdd/asr/conf/gr.yaml": 689_198,
    "egs/fsdd/asr/conf/gm.yaml": 689_198,
    "egs/fsdd/asr/conf/identity.yaml": 489_965,
    "egs/fsdd/asr/conf/no_se_fly.yaml": 689_198,
    "egs/fsdd/asr/conf/no_se_b97.yaml": 689_198,
    "egs/fsdd/asr/conf/no_se_fly_b97.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl_published_fly.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl_published_b97.yaml": 689_198,
    "egs/fsdd/asr/conf/mtl_published_fly_b97.yaml": 689_198,
    "egs/fsdd/asr/conf/unet.yaml": 678_449,
    "egs/fsdd/asr/conf/convtasnet.yaml": 735_386,
    "egs/fsdd/asr/conf/frontend.yaml": 199_233,
    "egs/fsdd/asr/conf/frozen.yaml": 689_198,
    "egs/fsdd/asr/conf/two_stage.yaml": 689_198,
    "egs/fsdd/asr/conf/ssl.yaml": 835_762,
    "egs/fsdd/asr/conf/segan_frozen.yaml": 1_229_182,
    "egs/fsdd/asr/conf/segan_joint.yaml": 1_229_182,
    "egs/fsdd/asr/conf/fly/frontend.yaml": 199_233,
    "egs/fsdd/asr/conf/fly/gm.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/gr.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_clean.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_clean_gm.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_clean_gr.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_clean_no_se.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_noisy.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_noisy_gm.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_noisy_gr.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/joint_noisy_no_se.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/mtl.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/no_se.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/pcgrad.yaml": 689_198,
    "egs/fsdd/asr/conf/fly/recogniser_clean.yaml": 489_965,
    "egs/fsdd/asr/conf/fly/recogniser_noisy.yaml": 489_965,
    "egs/chime4/asr/conf/no_se.yaml": 90_251_035,
    "egs/chime4/asr/conf/mtl.yaml": 90_251_035,
    "egs/chime4/asr/conf/pcgrad.yaml": 90_251_035,
    "egs/chime4/asr/conf/gr.yaml": 90_251_035,
    "egs/chime4/asr/conf/gm.yaml": 90_251_035,
    "egs/chime4/asr/conf/wavlm.yaml": 360_824_179,
    "egs/chime4/asr/conf/wavlm_convtasnet.yaml": 365_759_396,
    "egs/rats/asr/conf/no_se.yaml": 90_251_035,
    "egs/rats/asr/conf/mtl.yaml": 90_251_035,
    "egs/rats/asr/conf/pcgrad.yaml": 90_251_035,
    "egs/rats/asr/conf/gr.yaml": 90_251_035,
    "egs/rats/asr/conf/gm.yaml": 90_251_035,
    "egs/voicebank/asr/conf/recogniser.yaml": 7_644_986,
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_table_of_parameters_names_every_config():
    assert sorted(PARAMETERS) == [name_of(path) for path in CONFIGS]


def test_augmentation_on_the_fly_builds_and_names_the_fold_s_own_training_noises():
    augmented = {path: load_yaml(path).get("data", {}).get("augment") for path in CONFIGS}
    augmented = {name_of(path): build_augmentations(specs) for path, specs in augmented.items() if specs}
    (speed,) = augmented.pop("egs/voicebank/asr/conf/recogniser.yaml")  # its noise is mixed in for good
    assert speed.factors == [0.9, 1.0, 1.1]
    names = {f"egs/fsdd/asr/conf/{name}_fly{beta}.yaml" for name in ("mtl_published", "no_se") for beta in ("", "_b97")}
    names |= {name_of(path) for path in CONFIGS if path.parent.name == "fly" and path.stem != "recogniser_clean"}
    assert augmented.keys() == names
    assert all(noise.noise == "../noise_train" and noise.snr == (-5, 15) for (noise,) in augmented.values())


def test_systems_with_noise_on_the_fly_differ_in_what_their_names_say():
    configs = {path.stem: load_yaml(path) for path in CONFIGS if path.parent.name == "fly"}
    own = {"loss_weights", "gradients"}
    for stage, names in {
        "no_se": ["mtl", "gr", "gm", "pcgrad"],
        "joint_clean_no_se": ["joint_clean", "joint_clean_gr", "joint_clean_gm"],
        "joint_noisy_no_se": ["joint_noisy", "joint_noisy_gr", "joint_noisy_gm"],
    }.items():
        for name in names:
            assert {key for key in configs[name] if configs[name][key] != configs[stage][key]} <= own, name
            assert configs[name]["loss_weights"] == {"asr": 0.7, "se": 0.3}
        assert configs[stage]["optimiser"]["betas"] == [0.9, 0.97]
        assert configs[stage]["system"]["norm"] == {"class": "nrsr.nn.UtteranceNorm"}
    modules = {"frontend": "frontend", "encoder": "recogniser_noisy", "ctc": "recogniser_noisy"}
    sources = {module: Path(entry["from"]).name for module, entry in configs["joint_noisy_gr"]["init"].items()}
    assert sources == {module: f"{name}_fold0_seed1" for module, name in modules.items()}
    for first in ("recogniser_clean", "recogniser_noisy"):  # what starts from it has the same encoder and features
        for key in ("encoder", "features", "norm"):
            assert configs[first]["system"][key] == configs["no_se"]["system"][key]


def test_the_small_encoder_in_a_recogniser_is_that_of_the_ser_recipes():
    encoders = [ROOT / "egs/fsdd/asr/conf/ssl.yaml", ROOT / "utils/conf/ser/small.yaml"]
    recogniser, teacher = (load_yaml(path)["system"]["features"] for path in encoders)
    assert {name: recogniser[name] for name in ("model", "sizes")} == {
        name: teacher[name] for name in ("model", "sizes")
    }
    assert recogniser["rate"] == load_yaml(encoders[1])["sample_rate"]


@pytest.fixture(scope="module")
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    waves = 0.1 * torch.randn(3, 8000, generator=generator)
    lengths = torch.tensor([8000, 7000, 6000])
    waves *= torch.arange(8000) < lengths[:, None]
    targets = torch.tensor([[2, 3, 4], [5, 5, 0], [6, 0, 0]])
    has_clean = torch.tensor([True, True, False])
    return Batch(["a", "b", "c"], waves, lengths, 0.5 * waves, has_clean, targets, torch.tensor([3, 2, 1]))


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_builds_and_makes_a_step(path, batch):
    config = load_yaml(path)
    torch.manual_seed(0)
    system = build_system(config, VOCABULARY)
    assert sum(p.numel() for p in system.parameters()) == PARAMETERS[name_of(path)]
    freeze(system, config.get("freeze", []))
    parameters = [p for p in system.parameters() if p.requires_grad]

    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if hasattr(module, "finish"):
            module.finish()
    optimiser = build(config["optimiser"], torch.optim.Optimizer, "optimiser", params=parameters)
    combiner = build(config["gradients"], Combiner, "gradients")
    weights = config["loss_weights"]
    losses = system.losses(batch, "main", weights)
    assert losses.keys() == weights.keys()
    before = [p.detach().clone() for p in parameters]
    meeting = {id(p) for p in system.shared_parameters("main")}
    shared = {name: p for name, p in system.named_parameters() if id(p) in meeting}
    combiner.backward({name: weights[name] * loss for name, loss in losses.items()}, shared, parameters)
    combiner.finish(parameters)
    optimiser.step()
    assert all(torch.isfinite(p).all() for p in parameters)
    changed = [not torch.equal(old, new) for old, new in zip(before, parameters, strict=True)]
    assert sum(changed) > 0.9 * len(changed)
