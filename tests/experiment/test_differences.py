"""What counts as a difference between the config of an experiment and the one that it is started with again."""

import copy

import pytest

from nrsr.experiment.differences import differences
from nrsr.experiment.moved import relocated

CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.JointAsr",
        "features": {"class": "nrsr.signal.Fbank", "num_mel_bins": 40},
        "ctc_weight": 0.3,
    },
    "loss_weights": {"asr": 1.0},
    "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
    "training": {"epochs": 3},
    "seed": 1,
}


def with_key(key: str, value: object) -> dict:
    config = copy.deepcopy(CONFIG)
    *outer, name = key.split(".")
    part = config
    for step in outer:
        part = part.setdefault(step, {})
    part[name] = value
    return config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.clip", 5),
        ("training.patience", None),
        ("batches.size", 16),
        ("system.label_smoothing", 0.1),
        ("system.features.low_freq", 20.0),
        ("optimiser.betas", [0.9, 0.999]),
        ("schedule", {"class": "nrsr.training.schedules.Constant"}),
        ("data", {}),
        ("data.segment", None),
        ("freeze", []),
        ("training.log_steps", 7),
        ("decoding.beam", 3),
    ],
)
def test_added_defaults_and_harmless_keys_are_no_difference(key, value):
    assert differences(CONFIG, with_key(key, value)) == differences(with_key(key, value), CONFIG) == []


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("training.clip", 4.0, "training.clip: (not set) -> 4.0"),
        ("training.epochs", 48, "training.epochs: 3 -> 48"),
        ("system.label_smoothing", 0.2, "system.label_smoothing: (not set) -> 0.2"),
        ("system.no_such", None, "system.no_such: (not set) -> None"),
        ("optimiser.betas", [0.9, 0.97], "optimiser.betas: (not set) -> [0.9, 0.97]"),
        ("data.segment", 800, "data.segment: (not set) -> 800"),
        ("seed", 2, "seed: 1 -> 2"),
    ],
)
def test_other_values_are_differences(key, value, text):
    assert differences(CONFIG, with_key(key, value)) == [text]


def test_the_class_of_a_slot_and_its_arguments_are_differences():
    other = with_key("optimiser", {"class": "torch.optim.SGD", "lr": 0.01, "momentum": 0.9})
    assert differences(CONFIG, other) == [
        "optimiser.class: torch.optim.AdamW -> torch.optim.SGD",
        "optimiser.momentum: (not set) -> 0.9",
    ]


def test_paths_of_a_moved_experiment():
    config = {"init": {"frontend": {"from": "/a/w/exp/full/x"}}, "frames": ["/a/w/exp/y", "/a/wide", "/else", 3]}
    moved = relocated(config, "/a/w/exp/full/z_seed1", "/b/exp/full/z_seed1")
    assert moved == {"init": {"frontend": {"from": "/b/exp/full/x"}}, "frames": ["/b/exp/y", "/a/wide", "/else", 3]}
    assert relocated(config, "/a/w/exp/x", "/a/w/exp/x") == config
