"""Networks of the audio GANs: published sizes, shapes of every length, padding, phase shuffle."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.nn.dcgan import DcGanDiscriminator, DcGanGenerator
from nrsr.nn.maxout import Maxout
from nrsr.nn.mlp_gan import ConditionalDiscriminator, ConditionalGenerator, MlpDiscriminator, MlpGenerator
from nrsr.nn.same_padding import SameConv1d, SameConv2d, SameConvTranspose1d, SameConvTranspose2d, same_padding
from nrsr.nn.specgan import SpecGanDiscriminator, SpecGanGenerator
from nrsr.nn.wavegan import WaveGanDiscriminator, WaveGanGenerator, phase_shuffle
from nrsr.nn.word_classifier import WordClassifier

SIZES = {
    "wavegan 16384": (WaveGanGenerator, WaveGanDiscriminator, (16384,), (19_065_345, 17_427_969)),
    "wavegan 32768": (WaveGanGenerator, WaveGanDiscriminator, (32768,), (73_149_953, 69_875_201)),
    "wavegan 65536": (WaveGanGenerator, WaveGanDiscriminator, (65536,), (73_149_953, 69_875_201)),
    "specgan": (SpecGanGenerator, SpecGanDiscriminator, (), (19_065_345, 17_427_969)),
    "dcgan": (DcGanGenerator, DcGanDiscriminator, (), (3_574_656, 2_763_520)),
    "gan": (MlpGenerator, MlpDiscriminator, (), (2_503_984, 1_231_441)),
    "conditional gan": (ConditionalGenerator, ConditionalDiscriminator, (), (2_413_984, 1_224_351)),
}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name):
    *networks, arguments, counts = SIZES[name]
    with torch.device("meta"):
        assert tuple(parameters(network(*arguments)) for network in networks) == counts


def test_more_published_sizes():
    with torch.device("meta"):
        assert parameters(DcGanGenerator(channels=3)) == 3_576_704
        assert parameters(DcGanDiscriminator(channels=3)) == 2_765_568
        assert parameters(WordClassifier()) == 1_331_850


@pytest.mark.parametrize("samples", [64, 512, 4096, 16384, 32768, 65536])
@pytest.mark.parametrize("labels", [0, 3])
def test_wavegan_gives_waveforms_of_every_length(samples, labels):
    torch.manual_seed(0)
    generator = WaveGanGenerator(samples, latent=5, width=1, labels=labels)
    classes = torch.tensor([0, 2]) if labels else None
    waves = generator(generator.draw(2, torch.device("cpu")), classes)
    assert waves.shape == (2, samples) and waves.abs().max() < 1.0
    assert WaveGanDiscriminator(samples, width=1, labels=labels)(waves, classes).shape == (2,)


def test_wavegan_and_specgan_start_as_in_tensorflow():
    torch.manual_seed(0)
    for network, taps in ((WaveGanGenerator(width=4), 25), (SpecGanDiscriminator(width=4), 25)):
        layer = network.layers[2]
        bound = (6 / (taps * sum(layer.weight.shape[:2]))) ** 0.5
        weights = layer.weight.detach()
        assert 0.95 * bound < weights.abs().max() <= bound
        assert weights.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert all((part == 0).all() for name, part in network.named_parameters() if name.endswith("bias"))


def test_labels_change_what_is_generated():
    torch.manual_seed(0)
    generator = WaveGanGenerator(64, width=2, labels=2)
    z = generator.draw(1, torch.device("cpu"))
    assert (generator(z, torch.tensor([0])) - generator(z, torch.tensor([1]))).abs().max() > 1e-4


@pytest.mark.parametrize("samples", [0, 48, 100, 16000])
def test_lengths_that_no_layers_give_are_refused(samples):
    with pytest.raises(ConfigError, match="samples must be"):
        WaveGanGenerator(samples)


def slow_shuffle(hidden, shift):
    """Sample by sample; before the beginning and behind the end stands the mirror image."""
    last = hidden.shape[2] - 1
    moved = torch.empty_like(hidden)
    for place in range(last + 1):
        source = abs(place - shift)
        moved[:, :, place] = hidden[:, :, min(source, 2 * last - source)]
    return moved


@given(st.integers(3, 12), st.integers(-2, 2))
def test_phase_shuffle_against_a_slow_version(size, shift):
    hidden = torch.arange(2.0 * 3 * size).reshape(2, 3, size)
    assert torch.equal(phase_shuffle(hidden, shift), slow_shuffle(hidden, shift))


def test_phase_shuffle_draws_one_shift_a_layer_for_the_batch():
    torch.manual_seed(0)
    discriminator = WaveGanDiscriminator(1024, width=2)
    wave = torch.randn(1, 1024)
    with torch.no_grad():
        scores = {round(discriminator(wave.expand(3, -1))[0].item(), 6) for _ in range(20)}
        assert len(scores) > 1
        together = discriminator(wave.expand(3, -1))
        torch.testing.assert_close(together, together[:1].expand(3))
        still = WaveGanDiscriminator(1024, width=2, shuffle=0)
        assert torch.equal(still(wave), still(wave))


@settings(max_examples=20)
@given(st.sampled_from([(25, 4), (5, 2), (25, 2), (4, 2), (31, 2)]), st.integers(1, 6))
def test_same_padding(shape, blocks):
    kernel, stride = shape
    before, behind = same_padding(kernel, stride)
    # TensorFlow pads max((n - 1) s + k - s n, 0) for n outputs, the smaller half before.
    assert before + behind == kernel - stride and before in (behind, behind - 1)
    torch.manual_seed(0)
    inputs = torch.randn(1, 1, stride * blocks)
    layer = SameConv1d(1, 1, kernel, stride)
    out = layer(inputs)
    assert out.shape[2] == blocks
    # The transposed layer with the same weights is the convolution's adjoint.
    back = SameConvTranspose1d(1, 1, kernel, stride)
    back.load_state_dict({"weight": layer.weight, "bias": torch.zeros(1)})
    other = torch.randn(1, 1, blocks)
    torch.testing.assert_close(((out - layer.bias) * other).sum(), (inputs * back(other)).sum(), rtol=1e-4, atol=1e-4)


def test_same_padding_of_images_is_that_of_each_axis():
    torch.manual_seed(0)
    images = torch.randn(2, 1, 8, 6)
    assert SameConv2d(1, 3, 5, 2)(images).shape == (2, 3, 4, 3)
    assert SameConvTranspose2d(1, 3, 5, 2)(images).shape == (2, 3, 16, 12)


def test_images():
    torch.manual_seed(0)
    cpu = torch.device("cpu")
    spec, deep = SpecGanGenerator(width=1), DcGanGenerator(width=2)
    assert SpecGanDiscriminator(1)(spec(spec.draw(2, cpu))).shape == (2,)
    assert DcGanDiscriminator(2)(deep(deep.draw(2, cpu))).shape == (2,)
    batch_norms = [module for module in DcGanDiscriminator(2).modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert [norm.num_features for norm in batch_norms] == [4, 8, 16]  # none in the first and the last layer
    classifier = WordClassifier(32, 3, frames=16, width=4)
    embedded = classifier.embed(torch.randn(2, 20, 32), torch.tensor([20, 20]))
    alone = classifier.embed(torch.randn(1, 20, 32), torch.tensor([20]))  # no variance over a batch of one
    assert alone.shape == (1, 8) and alone.isfinite().all()
    short = classifier.eval().embed(torch.randn(2, 5, 32), torch.tensor([5, 5]))
    assert short.shape == (2, 8)
    assert classifier.classify(embedded).shape == (2, 3)
    assert embedded.shape == (2, 8)


def test_maxout_is_the_largest_of_its_pieces():
    maxout = Maxout(1, 2, 2)
    maxout.linear.weight.data = torch.tensor([[1.0], [-1.0], [2.0], [0.0]])
    maxout.linear.bias.data = torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert maxout(torch.tensor([[-3.0], [2.0]])).tolist() == [[3.0, 1.0], [2.0, 4.0]]


def test_fully_connected_networks():
    torch.manual_seed(0)
    labels = torch.tensor([0, 1])
    made = ConditionalGenerator(2, 6, 3, (4, 5, 7))(torch.randn(2, 3), labels)
    assert made.shape == (2, 6) and ((made > 0) & (made < 1)).all()
    assert ConditionalDiscriminator(2, 6, (3, 2), (2, 2), (4, 2))(made, labels).shape == (2,)
    assert MlpDiscriminator(6, 3, 2)(MlpGenerator(6, 3, 4)(torch.randn(2, 3))).shape == (2,)
