"""Networks of the vocoders: published sizes, lengths, receptive fields, folded weight norm."""

import pytest
import torch
from torch import nn

from nrsr.config import ConfigError
from nrsr.nn.hifigan import HiFiGanGenerator
from nrsr.nn.hifigan_discriminators import HiFiGanDiscriminators
from nrsr.nn.melgan import MelGanDiscriminators, MelGanGenerator
from nrsr.nn.parallel_wavegan import ParallelWaveGanDiscriminator, ParallelWaveGanGenerator
from nrsr.nn.weight_norm import add_weight_norm, fold_weight_norm

V3 = {
    "channels": 256,
    "scales": (8, 8, 4),
    "upsampling_kernels": (16, 16, 8),
    "kernels": (3, 5, 7),
    "dilations": ((1, 2), (2, 6), (3, 12)),
    "double": False,
}
SIZES = {
    "melgan": (MelGanGenerator, {}, 4_266_050, 4_260_257),
    "melgan discriminators": (MelGanDiscriminators, {}, 16_924_086, 16_913_859),
    "melgan discriminator": (MelGanDiscriminators, {"scales": 1}, 5_641_362, 5_637_953),
    "parallel wavegan, 22 kHz": (ParallelWaveGanGenerator, {}, 1_346_042, 1_334_309),
    "parallel wavegan, 24 kHz": (ParallelWaveGanGenerator, {"scales": (4, 5, 3, 5)}, 1_346_044, 1_334_311),
    "parallel wavegan discriminator": (ParallelWaveGanDiscriminator, {}, 99_842, 99_265),
    "hifi-gan 1": (HiFiGanGenerator, {}, 13_936_130, 13_926_017),
    "hifi-gan 2": (HiFiGanGenerator, {"channels": 128}, 928_514, 925_985),
    "hifi-gan 3": (HiFiGanGenerator, V3, 1_464_322, 1_462_273),
    "hifi-gan discriminators": (HiFiGanDiscriminators, {}, 70_724_591, 70_702_792),
}
SMALL = {
    MelGanGenerator: {"mels": 5, "channels": 8, "scales": (3, 2)},
    HiFiGanGenerator: {"mels": 5, "channels": 8, "scales": (3, 2), "upsampling_kernels": (6, 4)},
}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name):
    network, arguments, normalised, plain = SIZES[name]
    with torch.device("meta"):  # shapes alone
        made = network(**arguments)
    assert parameters(made) == normalised
    assert parameters(fold_weight_norm(made)) == plain


@pytest.mark.parametrize("network", SMALL)
def test_a_frame_becomes_as_many_samples_as_the_product_of_scales(network):
    torch.manual_seed(0)
    made, features = network(**SMALL[network]), torch.randn(2, 5, 30)
    waves = made(features)
    assert waves.shape == (2, 180) and waves.abs().max() < 1
    torch.testing.assert_close(fold_weight_norm(made)(features), waves)


def test_parallel_wavegan_lengths_and_receptive_field():
    torch.manual_seed(0)
    generator = ParallelWaveGanGenerator(3, (2, 3), blocks=4, stacks=2, residual=4, gate=8, skip=4)
    noise, features = torch.randn(2, 60, requires_grad=True), torch.randn(2, 3, 14)
    waves = generator(features, noise)
    assert waves.shape == (2, 60)
    waves[0, 30].backward()
    reached = noise.grad[0].nonzero().flatten()
    # 1 + 2 (1 + 2 + 1 + 2) samples; of the published network 1 + 6 * 1023 = 6139.
    assert (reached.min(), reached.max()) == (24, 36)
    torch.testing.assert_close(fold_weight_norm(generator)(features, noise), waves)
    torch.manual_seed(1)
    drawn = generator(features)
    torch.manual_seed(1)
    assert torch.equal(drawn, generator(features, torch.randn(2, 60)))


REACHING = {
    "melgan": lambda: MelGanGenerator(3, 8, (4, 2, 2)),
    "hifi-gan": lambda: HiFiGanGenerator(3, 8, (4, 2), (8, 4), (3, 5), ((1, 3), (1, 2))),
    "hifi-gan, alone": lambda: HiFiGanGenerator(3, 8, (4, 2), (9, 4), (3, 7), ((1, 2), (2, 6)), double=False),
    "parallel wavegan": lambda: ParallelWaveGanGenerator(3, (2, 3), blocks=8, stacks=2, residual=4, gate=8, skip=4),
}


@pytest.mark.parametrize("name", REACHING)
def test_no_sample_depends_on_frames_out_of_reach(name):
    torch.manual_seed(0)
    generator = REACHING[name]()
    frames, frame = 60, 30
    for parameter in generator.parameters():
        nn.init.uniform_(parameter, 0.1, 0.2)  # all on one side, so that nothing cancels
    features = torch.rand(1, 3, frames + 2 * generator.context, requires_grad=True)
    waves = generator(features, torch.rand(1, frames * generator.hop))
    waves[0, frame * generator.hop : (frame + 1) * generator.hop].sum().backward()
    seen = features.grad[0].any(0).nonzero().flatten() - generator.context
    reach = max(frame - seen.min(), seen.max() - frame)
    assert reach == generator.reach if generator.context == 0 else generator.reach - 2 <= reach <= generator.reach


def test_repeated_features_are_smoothed_to_their_mean():
    upsampler = ParallelWaveGanGenerator(2, (2, 3), blocks=2, stacks=1).upsampler
    nn.init.dirac_(fold_weight_norm(upsampler).first.weight)
    features = upsampler(torch.ones(1, 2, 14))
    assert features.shape == (1, 2, 60)
    torch.testing.assert_close(features[..., 9:-9], torch.ones(1, 2, 42))


def test_melgan_discriminators_look_at_averages():
    torch.manual_seed(0)
    discriminators = MelGanDiscriminators(scales=2, channels=4, strides=(2,), limit=8)
    wave = torch.randn(1, 200)
    whole, half = discriminators(wave)
    assert [tuple(maps.shape) for maps in whole] == [(1, 4, 200), (1, 8, 100), (1, 8, 100), (1, 1, 100)]
    assert [tuple(maps.shape) for maps in half] == [(1, 4, 100), (1, 8, 50), (1, 8, 50), (1, 1, 50)]
    pooled = torch.nn.functional.avg_pool1d(wave[None], 4, 2, 1, count_include_pad=False)[0]
    torch.testing.assert_close(pooled[0, 0], wave[0, :3].mean())  # what is missing at the edge is not counted as 0


def test_parallel_wavegan_discriminator_scores_every_sample():
    [maps] = ParallelWaveGanDiscriminator(4, 3)(torch.randn(2, 50))
    assert [tuple(one.shape) for one in maps] == [(2, 3, 50)] * 3 + [(2, 1, 50)]


def test_hifigan_discriminators_fold_and_average():
    torch.manual_seed(0)
    discriminators = HiFiGanDiscriminators((2, 3), (4, 8, 8), scales=2, scale_channels=16)
    maps = discriminators(torch.randn(2, 200))
    assert [len(one) for one in maps] == [4, 4, 8, 8]
    assert tuple(maps[0][0].shape) == (2, 4, 34, 2)  # of 100 pairs, every third
    assert tuple(maps[1][-1].shape) == (2, 1, 8, 3)  # 200 samples mirrored to 201
    assert tuple(maps[2][0].shape) == (2, 16, 200) and tuple(maps[3][0].shape) == (2, 16, 101)
    norms = {name.split(".")[1] for name in discriminators.state_dict() if "scales" in name and "_u" in name}
    assert norms == {"0"}


def test_weight_norm_keeps_the_weight_it_was_given():
    layer = nn.Conv1d(2, 3, 5)
    weight = layer.weight.detach().clone()
    network = add_weight_norm(nn.Sequential(layer))
    torch.testing.assert_close(layer.weight, weight)
    assert set(network.state_dict()) == {
        "0.bias", "0.parametrizations.weight.original0", "0.parametrizations.weight.original1"
    }  # fmt: skip


@pytest.mark.parametrize("network", [MelGanGenerator, HiFiGanGenerator])
def test_weights_start_as_torchs(network):
    torch.manual_seed(0)
    first = network(**SMALL[network]).first
    torch.manual_seed(0)
    torch.testing.assert_close(first.weight, nn.Conv1d(5, 8, 7).weight)


def test_discriminators_of_melgan_start_as_torchs():
    torch.manual_seed(0)
    discriminators = MelGanDiscriminators(scales=1, channels=8, strides=(4, 4), limit=32)
    torch.manual_seed(0)
    first = nn.Conv1d(1, 8, 15)
    torch.testing.assert_close(discriminators.discriminators[0].layers[0].weight, first.weight)


@pytest.mark.parametrize("network", [MelGanGenerator, HiFiGanGenerator])
def test_a_network_of_published_size_learns_from_the_first_step_on(network):
    torch.manual_seed(0)
    generator, features = network(), torch.randn(2, 80, 8)
    waves = generator(features)
    # With weights drawn at the deviations of the authors' code the response to the features is 1e-9 (MelGAN).
    assert (waves[0] - waves[1]).std() > 1e-6
    (waves - 0.1).abs().mean().backward()
    assert generator.first.parametrizations.weight.original1.grad.abs().mean() > 1e-10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HiFiGanDiscriminators(periods=(2, 0)), "periods"),
        (lambda: HiFiGanDiscriminators(periods=(2.5,)), "periods"),
        (lambda: ParallelWaveGanGenerator(gate=7), "gate 7 must be an even number"),
        (lambda: MelGanGenerator(channels=12, scales=(2, 2, 2)), "multiple of 8"),
        (lambda: ParallelWaveGanGenerator(blocks=10, stacks=3), "cannot be divided"),
        (lambda: ParallelWaveGanGenerator(kernel=2), "odd number"),
        (lambda: HiFiGanGenerator(upsampling_kernels=(4, 4, 4, 4)), "none smaller"),
        (lambda: HiFiGanGenerator(kernels=(3,)), "lists of dilations"),
    ],
)
def test_impossible_sizes(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
