"""Convolutions with channels innermost: torch's own values and derivatives, once and twice, at odd sizes."""

import pytest
import torch
from torch.nn import functional as F

from nrsr.nn import strided_convolutions as module
from nrsr.nn.strided_convolutions import plain_convolutions, strided_convolutions
from nrsr.nn.subsampling import Conv2dSubsampling


def layers(*channels, dtype=torch.float64):
    torch.manual_seed(0)
    pairs = zip(channels, channels[1:], strict=False)
    weights = [(0.3 * torch.randn(after, before, 3, 3, dtype=dtype)).requires_grad_() for before, after in pairs]
    return weights, [torch.randn(width, dtype=dtype).requires_grad_() for width in channels[1:]]


@pytest.mark.parametrize("size", [(2, 7, 7), (3, 18, 12), (1, 9, 20)])
@pytest.mark.parametrize("channels", [(1, 5), (1, 6, 7), (2, 5, 6)])
def test_values_and_derivatives_are_torch_s(channels, size, monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", 600)  # an utterance or two at once
    weights, biases = layers(*channels)
    maps = torch.randn(*size, channels[0], dtype=torch.float64, requires_grad=True)
    inputs = [maps, *weights, *biases]
    found = strided_convolutions(maps, weights, biases)
    expected = plain_convolutions(maps.permute(0, 3, 1, 2), weights, biases).permute(0, 2, 3, 1)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    pairs = [torch.autograd.grad(out, inputs, direction) for out in (found, expected)]
    for one, other in zip(*pairs, strict=True):
        torch.testing.assert_close(one, other)


def test_it_may_be_derived_twice():
    weights, biases = layers(1, 3, 2)
    maps = torch.randn(1, 8, 9, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda *given: strided_convolutions(given[0], given[1:3], given[3:]),
                                        (maps, *weights, *biases))  # fmt: skip


@pytest.mark.parametrize("factor", [2, 4])
def test_subsampling_is_the_convolutions_and_the_projection_one_by_one(factor):
    torch.manual_seed(0)
    subsampling, features = Conv2dSubsampling(20, 12, factor, channels=6), torch.randn(3, 31, 20, requires_grad=True)
    found, lengths = subsampling(features, torch.tensor([31, 20, 4]))
    maps = subsampling.convolutions(features.unsqueeze(1))
    expected = subsampling.project(maps.transpose(1, 2).flatten(2))
    torch.testing.assert_close(found, expected)
    assert lengths.tolist() == ([15, 9, 1] if factor == 2 else [7, 4, 0])
    inputs = [features, *subsampling.parameters()]
    for one, other in zip(*(torch.autograd.grad(out.square().sum(), inputs) for out in (found, expected)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        half, _ = subsampling(features, torch.tensor([31, 20, 4]))
    assert half.dtype == torch.bfloat16 and F.mse_loss(half.float(), expected) < 1e-4 * expected.square().mean()
