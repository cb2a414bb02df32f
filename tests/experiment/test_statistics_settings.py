"""Statistics of other features than those of the config are refused; of other networks they are taken."""

import copy

import pytest

from nrsr.experiment.statistics_settings import OtherFeaturesError, check_feature_settings, write_feature_settings

CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.JointAsr",
        "frontend": {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 64, "width": 8},
        "features": {"class": "nrsr.signal.Fbank", "num_mel_bins": 40},
        "encoder": {"class": "nrsr.nn.Blstm", "width": 8},
    },
    "data": {"labels": {"noise": {"file": "utt2noise"}}},
    "training": {"epochs": 3},
}


def changed(**parts: dict) -> dict:
    config = copy.deepcopy(CONFIG)
    for name, values in parts.items():
        target = config["system"] if name in config["system"] else config
        target.setdefault(name, {}).update(values)
    return config


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"features": {"frame_shift": 5.0}}, r"system.features.frame_shift: \(not set\) -> 5.0"),
        ({"features": {"class": "nrsr.signal.Mfcc"}}, "system.features.class: nrsr.signal.Fbank -> nrsr.signal.Mfcc"),
        ({"frontend": {"hop": 128}}, "system.frontend.hop: 64 -> 128"),
        ({"data": {"channel": 1}}, r"data.channel: \(not set\) -> 1"),
        ({"init": {"features": {"from": "a.pt"}}}, r"init.features.from: \(not set\) -> a.pt"),
    ],
)
def test_other_features_are_refused(tmp_path, parts, text):
    ark = tmp_path / "statistics.ark"
    check_feature_settings(ark, CONFIG)  # of an earlier version
    write_feature_settings(ark, CONFIG)
    with pytest.raises(
        OtherFeaturesError, match=rf"^{ark}: computed from other features: {text}; run nrsr compute-cmvn"
    ):
        check_feature_settings(ark, changed(**parts))


def test_other_networks_and_trainings_have_the_same_features(tmp_path):
    write_feature_settings(tmp_path / "statistics.ark", CONFIG)
    parts = {"encoder": {"width": 16}, "frontend": {"width": 16}, "training": {"epochs": 4}, "data": {"segment": 1}}
    check_feature_settings(tmp_path / "statistics.ark", changed(**parts, features={"frame_shift": 10.0}))
