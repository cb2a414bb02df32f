"""The joint front-end and recogniser: what is wrong in losses, statistics and configs is named."""

import pytest
from toy_joint_asr import MASK, NULL, VOCABULARY, config, make_batch, make_system

from nrsr.config import ConfigError
from nrsr.nn import StatisticsError
from nrsr.systems import LossError, build_system


def test_wrong_losses_are_named():
    batch = make_batch()
    with pytest.raises(LossError, match="no loss speaker; it has asr and se"):
        make_system(batch).losses(batch, "main", ["asr", "speaker"])
    with pytest.raises(LossError, match="Identity has no enhancement loss; take 'se' out"):
        make_system(batch, NULL).losses(batch, "main", ["asr", "se"])


def test_missing_statistics_are_named_with_the_cure():
    batch = make_batch()
    system = build_system(config(), VOCABULARY)
    with pytest.raises(StatisticsError, match="nrsr compute-cmvn --config"):
        system.losses(batch, "main", ["asr"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"frontend": {"class": "torch.nn.Linear"}}, "system.frontend.class: .* is no .*FrontEnd"),
        ({"features": NULL}, "system.features.class: .* is no .*FeatureExtractor"),
        ({"encoder": NULL}, "system.encoder.class: .* is no .*Encoder"),
        ({"decoder": NULL}, "system.decoder.class: .* is no .*TransformerDecoder"),
        ({"specaugment": NULL}, "system.specaugment.class: .* is no .*SpecAugment"),
        ({"frontend": NULL | {"sample_rate": 16000}}, "system.frontend: sample_rate is set by the program"),
        ({"frontend": MASK | {"widht": 3}}, "system.frontend: .*'widht'"),
        ({"frontend": MASK | {"mask": "tanh"}}, "system.frontend: mask 'tanh'"),
        ({"ctc_weight": 1.5}, "system.ctc_weight: 1.5"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "dim": 30}}, "heads 4 must divide dim 30"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "kernel": 4}}, "kernel 4 must be odd"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "channels": 0}}, "subsampling: 0 channels; give at least 1"),
        ({"decoder": {"class": "nrsr.nn.TransformerDecoder", "heads": 5}}, "system.decoder: heads 5 must divide"),
        ({"heads": ["noise"]}, "system.heads: expected `name: "),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "subsampling": 3}}, "subsampling: 3 is not offered"),
    ],
)
def test_wrong_configs_are_named(changed, message):
    with pytest.raises(ConfigError, match=message):
        build_system(config(**changed), VOCABULARY)


@pytest.mark.parametrize("key", ["sample_rate", "system"])
def test_missing_top_level_keys_are_named(key):
    whole = config()
    del whole[key]
    with pytest.raises(ConfigError, match=key):
        build_system(whole, VOCABULARY)
    with pytest.raises(ConfigError, match=key):
        build_system(config() | {key: "8k"}, VOCABULARY)
