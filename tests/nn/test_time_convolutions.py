"""Convolutions of [B, C, 1, T] in either order of memory are those of torch; so is WaveNet's inference."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nrsr.nn.parallel_wavegan import ParallelWaveGanGenerator
from nrsr.nn.time_convolutions import TimeConv, TimeUpsampling, last_are_channels, to_time
from nrsr.nn.wavenet_inference import can_infer, infer


def same_as(layer: nn.Module, torchs: type[nn.Module], inputs: torch.Tensor, **options) -> None:
    """Outputs and gradients equal those of torch's layer with the same weights."""
    channels = (layer.in_channels, layer.out_channels, layer.kernel_size[0])
    peer = torchs(*channels, **options)
    peer.load_state_dict(layer.state_dict())
    wanted = peer(inputs)
    found = layer(to_time(inputs))
    assert found.shape[2] == 1 and not last_are_channels(found)
    torch.testing.assert_close(found.squeeze(2), wanted, atol=1e-5, rtol=1e-5)
    for loss, module in ((found, layer), (wanted, peer)):
        loss.square().sum().backward()
        assert all(parameter.grad is not None for parameter in module.parameters())
    for one, other in zip(layer.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-3, rtol=1e-4)
    with torch.no_grad():
        last = to_time(inputs)
        assert last_are_channels(last) or inputs.shape[1] == 1
        torch.testing.assert_close(layer(last).squeeze(2), wanted, atol=1e-5, rtol=1e-5)


@given(
    st.sampled_from([(1, 4), (4, 1), (3, 5)]), st.sampled_from([1, 3, 7]), st.sampled_from([1, 2, 4]), st.booleans(),
    st.integers(1, 2), st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_convolutions(channels, kernel, dilation, mirrored, batch, bias):
    torch.manual_seed(0)
    options = {
        "padding": (kernel - 1) // 2 * dilation, "dilation": dilation, "bias": bias,
        "padding_mode": "reflect" if mirrored else "zeros",
    }  # fmt: skip
    same_as(TimeConv(*channels, kernel, **options), nn.Conv1d, torch.randn(batch, channels[0], 30), **options)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(1, 2), st.booleans())
@settings(deadline=None, max_examples=30)
def test_upsampling(stride, longer, batch, bias):
    torch.manual_seed(0)
    kernel = 2 * stride + longer
    odd = (kernel - stride) % 2
    padding, added = (kernel - stride) // 2 + odd, odd if stride > 1 else 0
    options = {"stride": stride, "padding": padding, "output_padding": added, "bias": bias}
    same_as(TimeUpsampling(3, 2, kernel, **options), nn.ConvTranspose1d, torch.randn(batch, 3, 8), **options)


@pytest.mark.parametrize("scales", [(2, 3), (4, 4, 4), (5,), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("frames", [5, 6, 40])
def test_wavenet_by_products_of_matrices(scales, frames):
    torch.manual_seed(0)
    generator = ParallelWaveGanGenerator(3, scales, blocks=6, stacks=2, residual=8, gate=16, skip=4, kernel=3)
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=0.3)
    features, noise = torch.randn(2, 3, frames + 4), torch.randn(2, frames * generator.hop)
    wanted = generator(features, noise).detach()  # as in training
    assert not can_infer(generator, features)
    with torch.no_grad():
        assert can_infer(generator, features)
        for row in range(2):
            torch.testing.assert_close(infer(generator, features[row], noise[row]), wanted[row], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(generator(features, noise), wanted, atol=1e-5, rtol=1e-5)
        assert not can_infer(generator, features[..., :8])
        torch.testing.assert_close(
            generator(features[..., :8], noise[:, : 4 * generator.hop]).shape, torch.Size([2, 4 * generator.hop])
        )


def test_wavenet_whose_features_reach_too_far_goes_the_common_way():
    generator = ParallelWaveGanGenerator(3, (1, 1, 3), blocks=2, stacks=1, residual=8, gate=16, skip=4)
    with torch.no_grad():
        assert not can_infer(generator, torch.randn(1, 3, 50))


@torch.no_grad()
def test_other_precisions_go_the_common_way():
    torch.manual_seed(0)
    generator = ParallelWaveGanGenerator(3, (2, 3), blocks=4, stacks=2, residual=8, gate=16, skip=4)
    features, noise = torch.randn(1, 3, 14), torch.randn(1, 60)
    wanted = generator(features, noise)
    assert can_infer(generator, features) and to_time(features).stride(1) == 1
    assert not can_infer(generator, features.double()) and to_time(features.double()).stride(1) != 1
    found = generator.double()(features.double(), noise.double())
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), wanted, atol=1e-5, rtol=1e-5)
