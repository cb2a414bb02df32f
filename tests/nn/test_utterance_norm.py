"""Normalisation by an utterance's own mean and variance."""

import numpy as np
import pytest
import torch

from nrsr.nn import UtteranceNorm

FRAMES = torch.tensor([40, 7])


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 40, 3, generator=generator, dtype=torch.float64).float() * 4 + 100
    features[1, 7:] = torch.nan
    return features


@pytest.mark.parametrize("variance", [True, False])
def test_each_utterance_by_its_own_frames(features, variance):
    result = UtteranceNorm(3, variance)(features, FRAMES)
    for own, out, count in zip(features.double().numpy(), result.numpy(), FRAMES.tolist(), strict=True):
        wanted = own[:count] - own[:count].mean(0)
        wanted = wanted / own[:count].std(0) if variance else wanted
        np.testing.assert_allclose(out[:count], wanted, atol=2e-5)


def test_constant_features_become_zeros_with_a_finite_gradient():
    features = torch.full((2, 5, 3), -15.942, requires_grad=True)
    result = UtteranceNorm(3)(features, torch.tensor([5, 1]))
    assert result.abs().max() < 1e-3
    result.sum().backward()
    assert torch.isfinite(features.grad).all()


def test_half_precision_changes_nothing(features):
    with torch.autocast("cpu", torch.bfloat16):
        result = UtteranceNorm(3)(features, FRAMES)
    torch.testing.assert_close(result[0], UtteranceNorm(3)(features, FRAMES)[0])


def test_no_frames_at_all():
    assert UtteranceNorm(3)(torch.zeros(1, 0, 3), torch.tensor([0])).shape == (1, 0, 3)
