"""Every shipped config of the ser recipes builds its system, has its size, and makes one step."""

from pathlib import Path

import pytest
import torch

from nrsr.config import load_yaml
from nrsr.data.augmentation import build_augmentations
from nrsr.data.batch import Batch
from nrsr.experiment.modules import freeze
from nrsr.experiment.settings import parse_experiment
from nrsr.systems import Classifier, DistilledClassifier, build_system
from nrsr.training.turns import build_turns

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "classifier",
    "distilled",
    "small",
    "small_encoder",
    "predictor",
    "small_student",
    "heads",
    "last_level",
    "l1_alone",
    "cosine_alone",
    "three_layers",
    "clean_speech",
    "8k",
}
CONFIGS = sorted(
    path
    for folder in ("utils/conf/ser", "egs/ravdess/ser/conf", "egs/mini/ser/conf")
    for path in (ROOT / folder).glob("*.yaml")
    if path.stem not in SETTINGS
)
CLASSES = ["angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"]
TEACHER, STUDENT, HEADS = 296_808, 196_840, 196_840 + 3 * 65 * 64
DEEP = STUDENT + (TEACHER - STUDENT) // 2
STUDENT_8K = 139_704
PREDICTOR = 329_760
PARAMETERS = {
    "utils/masked": PREDICTOR,
    "mini/masked": STUDENT_8K + PREDICTOR - STUDENT,
    "utils/teacher": TEACHER,
    "utils/teacher_noisy": TEACHER,
    "utils/teacher_raw": TEACHER,
    "utils/student": STUDENT,
    "utils/distil_multi": STUDENT,
    "utils/multi": STUDENT,
    **{f"ravdess/{kind}{name}": STUDENT for kind in ("", "distil_") for name in ("last", "multi_l1", "multi_cosine")},
    **{f"ravdess/{kind}multi_clean": STUDENT for kind in ("", "distil_")},
    **{f"ravdess/{kind}multi_deep": DEEP for kind in ("", "distil_")},
    **{f"ravdess/{kind}multi_heads": HEADS for kind in ("", "distil_")},
    "mini/teacher": STUDENT_8K + TEACHER - STUDENT,
    "mini/student": STUDENT_8K,
    "mini/distil_multi": STUDENT_8K,
    "mini/multi": STUDENT_8K,
}


def name_of(path: Path) -> str:
    return f"{path.parts[-4] if path.parts[-2] == 'conf' else 'utils'}/{path.stem}".replace("egs/", "")


def build(path: Path) -> tuple[dict, Classifier]:
    """The system of a config; that of a distillation with stored layers of the teacher."""
    config, metadata = load_yaml(path), {"classes": {"emotion": CLASSES}}
    if path.stem == "masked":
        metadata = {}
    torch.manual_seed(0)
    if config["system"]["class"].endswith("DistilledClassifier"):
        metadata["frame_dim"] = config["system"]["features"]["sizes"]["width"]
    return config, build_system(config, metadata=metadata)


def test_the_table_of_parameters_names_every_config():
    assert sorted(PARAMETERS) == sorted(map(name_of, CONFIGS))


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_is_whole_and_makes_a_step(path):
    config, system = build(path)
    assert sum(parameter.numel() for parameter in system.turns()["main"]) == PARAMETERS[name_of(path)]
    build_augmentations(config["data"].get("augment"))
    settings = parse_experiment({**config, "seed": 1}, path.name)
    freeze(system, settings.freeze)
    (turn,) = build_turns(settings.turns, system)
    rate = config["sample_rate"]
    generator, lengths = torch.Generator().manual_seed(0), torch.tensor([rate, rate // 2])
    waves = 0.1 * torch.randn(2, rate, generator=generator) * (torch.arange(rate) < lengths[:, None])
    frames = {}
    if isinstance(system, DistilledClassifier):
        shape = 2, int(system.frame_counts(lengths)[0]), system.features.network.dim
        frames = {name: torch.randn(shape, generator=generator) for name in system.stored_frames()}
    labels = {"emotion": torch.tensor([1, 2])}
    batch = Batch(["a", "b"], waves, lengths, None, torch.zeros(2, dtype=torch.bool), None, None, labels, None, frames)
    before = [parameter.detach().clone() for parameter in turn.parameters]
    step = turn.step(system, [batch], [1.0])
    assert step.updated, step.metrics
    changed = [not torch.equal(old, new) for old, new in zip(before, turn.parameters, strict=True)]
    assert sum(changed) > 0.9 * len(changed)


def test_students_differ_from_multi_in_what_they_are_named_after():
    folder = ROOT / "egs/ravdess/ser/conf"
    for kind, weights in (("", {"ce": 1.0, "l1": 0.5, "cosine": 0.5}), ("distil_", {"l1": 1.0, "cosine": 1.0})):
        multi = load_yaml(ROOT / f"utils/conf/ser/{kind}multi.yaml")
        assert multi["loss_weights"] == weights and multi["system"]["levels"] == [2, 3, 4]
        names = ("last", "multi_heads", "multi_l1", "multi_deep", "multi_clean")
        found = {name: load_yaml(folder / f"{kind}{name}.yaml") for name in names}
        assert found["last"]["system"] == {**multi["system"], "levels": [4]}
        assert found["multi_heads"]["system"] == {**multi["system"], "heads": True}
        assert found["multi_l1"]["loss_weights"] == {**weights, "cosine": 0.0}
        assert found["multi_deep"]["system"]["features"]["sizes"] == {
            **multi["system"]["features"]["sizes"],
            "layers": 3,
        }
        (noise,) = multi["data"]["augment"]
        assert found["multi_clean"]["data"]["augment"] == [{**noise, "snr": [100, 100]}]
    raw, teacher = (load_yaml(ROOT / f"utils/conf/ser/{name}.yaml") for name in ("teacher_raw", "teacher"))
    assert raw == {**teacher, "freeze": ["features"]}
    epochs = [load_yaml(ROOT / f"utils/conf/ser/{name}.yaml")["training"]["epochs"] for name in
              ("student", "distil_multi", "multi")]  # fmt: skip
    assert epochs[0] == epochs[1] + epochs[2]
