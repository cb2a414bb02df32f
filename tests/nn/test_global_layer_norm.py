"""Global layer normalisation: numpy, its derivative, padding, mixed precision."""

import numpy as np
import pytest
import torch

from nrsr.nn import GlobalLayerNorm


def with_parameters(channels, dtype=torch.float32):
    norm = GlobalLayerNorm(channels).to(dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(channels, generator=generator))
    return norm


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 3, 7, 5)])
def test_against_numpy(shape):
    norm = with_parameters(3)
    maps = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 2
    lengths = [7, 4]
    valid = (torch.arange(7) < torch.tensor(lengths)[:, None]).float()
    found = norm(maps, valid)
    for row, size in enumerate(lengths):
        own = maps[row, :, :size].double().numpy()
        normalised = (own - own.mean()) / np.sqrt(own.var() + 1e-8)
        gain, bias = (p.detach().double().numpy().reshape(3, *[1] * (len(shape) - 2)) for p in norm.parameters())
        np.testing.assert_allclose(found[row, :, :size].detach().numpy(), gain * normalised + bias, atol=1e-5)
        assert not found[row, :, size:].any()


def by_autograd(maps, valid, weight, bias):
    """The same layer in two passes, for autograd to derive."""
    valid = valid[:, None, :]
    count = valid.sum((1, 2), keepdim=True) * maps.shape[1]
    centred = (maps - (maps * valid).sum((1, 2), keepdim=True) / count) * valid
    variance = centred.square().sum((1, 2), keepdim=True) / count
    return (centred * torch.rsqrt(variance + 1e-8) * weight[:, None] + bias[:, None]) * valid


def test_the_derivative_is_that_of_autograd():
    norm = with_parameters(4)
    generator = torch.Generator().manual_seed(2)
    maps = torch.randn(3, 4, 9, generator=generator).requires_grad_()
    direction = torch.randn(3, 4, 9, generator=generator)
    valid = (torch.arange(9) < torch.tensor([[9], [5], [1]])).float()
    inputs = [maps, *norm.parameters()]
    found = torch.autograd.grad((norm(maps, valid) * direction).sum(), inputs)
    expected = torch.autograd.grad((by_autograd(maps, valid, *norm.parameters()) * direction).sum(), inputs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    assert not found[0][1, :, 5:].any()


def test_constant_and_empty_utterances_are_finite():
    norm = GlobalLayerNorm(2)
    maps = torch.zeros(2, 2, 5, requires_grad=True)
    out = norm(maps, torch.tensor([[1.0] * 5, [0.0] * 5]))
    out.square().sum().backward()
    assert not out.any()
    assert maps.grad.isfinite().all()


@pytest.mark.parametrize("mean", [0.0, 30.0, 1000.0])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_statistics_are_float32_in_mixed_precision_and_far_from_zero(precision, mean):
    maps = mean + torch.randn(1, 16, 4000, generator=torch.Generator().manual_seed(3))
    norm, valid = GlobalLayerNorm(16), torch.ones(1, 4000)
    exact = maps.double()
    exact = (exact - exact.mean()) / exact.std(correction=0)
    maps.requires_grad_()
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        found = norm(maps, valid.to(precision))
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), exact, atol=2e-4, rtol=0)
        direction = torch.randn(found.shape, generator=torch.Generator().manual_seed(4))
        gradient, by_weight = torch.autograd.grad((found * direction).sum(), [maps, norm.weight])
    doubled = maps.detach().double().requires_grad_()
    wanted = by_autograd(doubled, valid.double(), norm.weight.double(), norm.bias.double())
    [expected] = torch.autograd.grad((wanted * direction).sum(), [doubled])
    torch.testing.assert_close(gradient.double(), expected, atol=2e-4, rtol=0)
    torch.testing.assert_close(by_weight.double(), (exact * direction).sum((0, 2)), atol=0.02, rtol=0)
