"""SEGAN's networks: published sizes, skips before the activation, and virtual batch normalisation."""

import pytest
import torch
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.segan import SeganDiscriminator, SeganGenerator
from nrsr.nn.virtual_batch_norm import VirtualBatchNorm, batch_moments, example_moments

SMALL = (3, 4, 5)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_sizes():
    with torch.device("meta"):
        generator, discriminator = SeganGenerator(), SeganDiscriminator()
    assert parameters(generator) == 73_100_049
    assert parameters(discriminator) == 24_373_081
    biases = [value for name, value in generator.named_parameters() if name.endswith("bias")]
    assert parameters(generator) - sum(bias.numel() for bias in biases) == 73_096_048
    shapes = [(layer.in_channels, layer.out_channels) for layer in generator.decoder]
    assert shapes[:3] == [(2048, 512), (1024, 256), (512, 256)] and shapes[-1] == (32, 1)


def test_generator_by_hand():
    torch.manual_seed(0)
    generator = SeganGenerator((3, 4), 5)
    for activation in (*generator.encoder_activations, *generator.decoder_activations):
        assert activation.weight.eq(0.0).all()
        torch.nn.init.uniform_(activation.weight)
    windows = torch.randn(2, 12)
    latent = generator.latent(windows)
    assert latent.shape == (2, 4, 3)

    one, two = generator.encoder
    first = F.conv1d(F.pad(windows[:, None], (1, 2)), one.weight, one.bias, 2)
    second = F.conv1d(F.pad(generator.encoder_activations[0](first), (1, 2)), two.weight, two.bias, 2)
    code = torch.cat([latent, generator.encoder_activations[1](second)], 1)
    up = F.conv_transpose1d(code, generator.decoder[0].weight, generator.decoder[0].bias, 2)[..., 1:7]
    joined = torch.cat([generator.decoder_activations[0](up), first], 1)  # the skip is not activated
    out = F.conv_transpose1d(joined, generator.decoder[1].weight, generator.decoder[1].bias, 2)[..., 1:13]
    torch.testing.assert_close(generator(windows, latent), out[:, 0].tanh())


def test_weights_start_as_published():
    torch.manual_seed(0)
    for std, settings in ((0.02, {}), (0.05, {"std": 0.05})):
        layers = SeganGenerator((32, 64), 31, **settings).encoder
        weights = torch.cat([layer.weight.flatten() for layer in layers])
        assert weights.abs().max() <= 2 * std and weights.std().item() == pytest.approx(0.88 * std, rel=0.02)


def test_virtual_batch_norm_by_its_formula():
    torch.manual_seed(0)
    norm, inputs, reference = VirtualBatchNorm(2), torch.randn(3, 2, 5), 2.0 + torch.randn(4, 2, 5)
    torch.nn.init.normal_(norm.beta)
    for example in range(3):
        for channel in range(2):
            values = inputs[example, channel]
            mean = values.mean() / 5 + reference[:, channel].mean() * 4 / 5
            square = values.pow(2).mean() / 5 + reference[:, channel].pow(2).mean() * 4 / 5
            expected = (values - mean) / (square - mean**2 + 1e-5).sqrt() * norm.gamma[channel] + norm.beta[channel]
            found = norm(inputs, example_moments(inputs), batch_moments(reference), 4)[example, channel]
            torch.testing.assert_close(found, expected)
    alone = norm(inputs, batch_moments(inputs), None, 0)
    torch.testing.assert_close(alone, F.batch_norm(inputs, None, None, norm.gamma[:, 0], norm.beta[:, 0], True))


def test_a_score_depends_on_the_batch_only_in_the_released_code_s_way():
    torch.manual_seed(0)
    discriminator = SeganDiscriminator(SMALL, 5, 32)
    pairs = torch.randn(4, 2, 32)
    _, reference = discriminator.reference(torch.randn(3, 2, 32))
    scores = discriminator(pairs, reference)
    assert scores.shape == (4,)
    torch.testing.assert_close(discriminator(pairs[1:2], reference), scores[1:2])
    batch, alone = discriminator(pairs, reference, torch.ones(4)), discriminator(pairs[1:2], reference, torch.ones(1))
    assert (alone - batch[1:2]).abs() > 1e-6
    # Pairs that count nothing change nothing, and the reference batch itself scores as by its own moments.
    padded, weights = torch.cat([pairs, 9.0 * torch.randn(2, 2, 32)]), torch.tensor([1.0, 1, 1, 1, 0, 0])
    torch.testing.assert_close(discriminator(padded, reference, weights)[:4], batch)
    scores, own = discriminator.reference(padded, weights)
    assert own.count == 4
    torch.testing.assert_close(scores[:4], discriminator.reference(pairs)[0])
    torch.testing.assert_close(discriminator(padded, own, weights), scores)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SeganGenerator((), 31), "channels"),
        (lambda: SeganGenerator(SMALL, 30), "odd number"),
        (lambda: SeganGenerator(SMALL, std=0.0), "std 0.0 must be above 0"),
        (lambda: SeganDiscriminator(SMALL, 31, 100), "multiple of 8"),
    ],
)
def test_impossible_sizes(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
