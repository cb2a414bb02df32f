"""Dropout: shares and scale, independence of its bits, the generator's state, derivatives, precisions."""

import pytest
import torch
from torch.nn import functional as F

from nrsr.nn.dropout import Dropout, keep_mask


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_the_share_dropped_and_the_mean_kept(p):
    torch.manual_seed(0)
    count = 400_003  # no whole number of draws
    found = Dropout(p)(torch.ones(count))
    assert (found == 0).float().mean().item() == pytest.approx(p, abs=4 * (p * (1 - p) / count) ** 0.5)
    assert found.mean().item() == pytest.approx(1.0, abs=0.02)
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)], rel=1e-4)


def test_neighbours_are_independent():
    torch.manual_seed(0)
    dropped = (keep_mask(torch.empty(1_000_000), 0.5) == 0).float() - 0.5
    for distance in (1, 2, 3, 4, 8, 256):
        correlation = 4 * (dropped[distance:] * dropped[:-distance]).mean().item()
        assert abs(correlation) < 0.005, distance
    for lane in range(4):
        assert abs(dropped[lane::4].mean().item()) < 0.005


def test_draws_follow_the_generator_s_state():
    layer, ones = Dropout(0.3), torch.ones(7, 5)
    torch.manual_seed(3)
    first, state = layer(ones), torch.get_rng_state()
    second = layer(ones)
    torch.set_rng_state(state)
    assert torch.equal(layer(ones), second) and not torch.equal(first, second)


def test_evaluation_and_the_ends():
    values = torch.randn(50)
    assert torch.equal(Dropout(0.5).eval()(values), values)
    assert torch.equal(Dropout(0.0)(values), values)
    assert not Dropout(1.0)(values).any()
    assert Dropout(0.5)(torch.empty(0, 3)).shape == (0, 3)


def test_it_may_be_derived_twice_and_joins_a_residual_path():
    torch.manual_seed(0)
    inputs, residual = torch.randn(2, 4, 6, dtype=torch.float64, requires_grad=True).unbind()
    mask = keep_mask(inputs, 0.4)
    for name, expected in (
        ("forward", lambda: inputs * mask),
        ("of_swish", lambda: F.silu(inputs) * mask),
        ("added", lambda: residual + 0.5 * inputs * mask),
    ):
        torch.manual_seed(0)
        torch.randn(2, 4, 6, dtype=torch.float64)
        arguments = (residual, inputs, 0.5) if name == "added" else (inputs,)
        found = getattr(Dropout(0.4), name)(*arguments)
        torch.testing.assert_close(found, expected())
        [first] = torch.autograd.grad(found.square().sum(), inputs, create_graph=True)
        [wanted] = torch.autograd.grad(expected().square().sum(), inputs, create_graph=True)
        torch.testing.assert_close(first, wanted)
        pair = [torch.autograd.grad(g.square().sum(), inputs)[0] for g in (first, wanted)]
        torch.testing.assert_close(*pair)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision(precision):
    half, residual = torch.randn(1000).to(precision), torch.randn(1000)
    assert Dropout(0.1)(half).dtype == Dropout(0.1).of_swish(half).dtype == precision
    added = Dropout(0.1).added(residual, half, 0.5)
    assert added.dtype == torch.float32
    kept = added != residual
    assert 0.8 < kept.float().mean() < 1.0
    torch.testing.assert_close(added[kept], (residual + 0.5 / 0.9 * half)[kept], rtol=0.01, atol=0.02)
