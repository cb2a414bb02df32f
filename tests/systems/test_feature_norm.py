"""A recogniser with utterance-wise normalisation: what it needs, and what does not depend on the batch."""

import pytest
import torch

from nrsr.config import ConfigError
from nrsr.nn import GlobalNorm
from nrsr.systems import build_system

CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.JointAsr",
        "frontend": {"class": "nrsr.frontends.Identity"},
        "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 12},
        "norm": {"class": "nrsr.nn.UtteranceNorm"},
        "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 8, "channels": 4},
    },
}


def test_level_and_batch_change_nothing():
    torch.manual_seed(0)
    system = build_system(CONFIG, 5).eval()
    assert not any(isinstance(module, GlobalNorm) for module in system.modules())
    waves, lengths = 0.1 * torch.randn(2, 8000), torch.tensor([8000, 4000])
    waves[1, 4000:] = 0.0
    with torch.no_grad():
        both = system.encode(waves, lengths)[1]
        alone = system.encode(3.0 * waves[1:, :4000], lengths[1:])[1]
    torch.testing.assert_close(both[1, : alone.shape[1]], alone[0], atol=1e-3, rtol=1e-3)


def test_another_class_is_refused():
    system = {**CONFIG["system"], "norm": {"class": "torch.nn.LayerNorm"}}
    with pytest.raises(ConfigError, match="system.norm.class: 'torch.nn.LayerNorm' is no .*FeatureNorm"):
        build_system({**CONFIG, "system": system}, 5)
