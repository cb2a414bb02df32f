"""Self-supervised encoders and their features: published sizes, frames, padding, layers, gradients, refusals."""

import sys
from types import SimpleNamespace

import pytest
import torch
from toy_ssl import KINDS, SMALL, spread, waves_of

from nrsr.config import ConfigError
from nrsr.nn import SslEncoder, SslFeatures
from nrsr.nn.ssl_sizes import PUBLISHED, sizes_of
from nrsr.packages import PackageError
from nrsr.signal.extractor import FeatureError

models = pytest.importorskip("torchaudio.models", reason="torchaudio does not import; tools/install.sh installs it")


def features_of(model="wav2vec2_base", data_rate=16000, **given):
    torch.manual_seed(0)
    extractor = SslFeatures(data_rate, model, **({"sizes": SMALL} | given)).eval()
    spread(extractor.network)
    return extractor


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_sizes_are_those_of_torchaudio(model, monkeypatch):
    built = []
    factory = "wavlm_model" if model.startswith("wavlm") else "wav2vec2_model"
    real = getattr(models, factory)

    def build(**arguments):
        built.append(arguments)
        return SimpleNamespace(feature_extractor=torch.nn.Identity(), encoder=torch.nn.Identity())

    monkeypatch.setattr(models, factory, build)
    monkeypatch.setattr(sys.modules[real.__module__], factory, build)
    SslEncoder(sizes_of(model))
    getattr(models, model)()
    for arguments in built:
        shapes = arguments["extractor_conv_layer_config"] or [(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2
        arguments["extractor_conv_layer_config"] = shapes
        for name in list(arguments):
            if name.endswith(("_dropout", "_drop")):
                del arguments[name]
    assert len(built) == 2 and built[0] == built[1]


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_of_the_base_model():
    student = SslEncoder(sizes_of("wav2vec2_base", {"layers": 2}))
    (layer,) = {count(layer) for layer in student.encoder.transformer.layers}
    assert count(student) == 23_492_224 and layer == 7_087_872
    assert count(student) + 10 * layer == 94_370_944  # the base model, of 12 layers
    assert count(student.feature_extractor) == 4_200_448
    assert count(student.encoder.feature_projection) == 395_008
    assert count(student.encoder.transformer.pos_conv_embed) == 4_719_488


def test_frames_of_whole_seconds_and_of_short_clips():
    encoder = SslEncoder(sizes_of("wav2vec2_base", SMALL))  # with the published kernels and strides
    seconds = torch.tensor([1, 3, 5, 10, 15])
    assert encoder.frames(16000 * seconds).tolist() == [49, 149, 249, 499, 749]
    assert encoder.receptive_field == 400
    assert encoder.frames(torch.tensor([0, 1, 399, 400, 719, 720])).tolist() == [0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("rate", [8000, 16000])
def test_neither_padding_nor_neighbours_change_an_utterance(model, rate):
    extractor = features_of(model, rate, rate=16000)
    waves, lengths = waves_of(6000, 3333, 410)
    together, frames = extractor(waves, lengths)
    assert frames.tolist() == extractor.frames(lengths).tolist()
    for row, size in enumerate(lengths.tolist()):
        alone, (count,) = extractor(waves[row : row + 1, :size], lengths[row : row + 1])
        torch.testing.assert_close(together[row, :count], alone[0], rtol=1e-4, atol=1e-5)
        assert (together[row, count:] == 0).all()


@pytest.mark.parametrize("model", KINDS)
def test_layers_are_those_of_torchaudio_for_an_utterance_alone(model):
    sizes = sizes_of(model, SMALL)
    encoder = spread(SslEncoder(sizes)).eval()
    network = models.Wav2Vec2Model(encoder.feature_extractor, encoder.encoder).eval()
    waves, lengths = waves_of(5000)
    layers, _ = encoder.layers(waves, lengths)
    given = torch.nn.functional.layer_norm(waves, waves.shape[1:]) if sizes.normalise else waves
    wanted, _ = network.extract_features(given)
    for ours, theirs in zip(layers[1:-1], wanted[:-1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    last = network.encoder.transformer.layer_norm(wanted[-1]) if sizes.norm_first else wanted[-1]
    torch.testing.assert_close(layers[-1], last, rtol=1e-4, atol=1e-4)


def test_a_layer_the_mean_and_the_weighted_sum():
    waves, lengths = waves_of(4000, 2000)
    each = [features_of(layer=number)(waves, lengths)[0] for number in range(4)]
    assert not any(torch.allclose(a, b) for a, b in zip(each, each[1:], strict=False))
    mean, weighted = features_of(layer="mean")(waves, lengths)[0], features_of(layer="weighted")
    torch.testing.assert_close(mean, sum(each) / 4)
    with torch.no_grad():
        weighted.mixture.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).log())
    wanted = 0.1 * each[0] + 0.2 * each[1] + 0.3 * each[2] + 0.4 * each[3]
    torch.testing.assert_close(weighted(waves, lengths)[0], wanted, rtol=1e-4, atol=1e-5)
    assert features_of(layer=1, projection=5)(waves, lengths)[0].shape == (2, 12, 5)


def test_a_layer_runs_none_behind_it(monkeypatch):
    extractor = features_of(layer=1)
    for layer in extractor.network.encoder.transformer.layers[1:]:
        monkeypatch.setattr(layer, "forward", lambda *given, **named: pytest.fail("a layer that nobody needs ran"))
    extractor(*waves_of(4000))


def test_waveforms_are_normalised_over_their_own_samples():
    extractor = features_of("hubert_large")
    waves, lengths = waves_of(4000, 2000)
    plain = extractor(waves, lengths)[0]
    louder = extractor(waves * torch.tensor([[3.0], [5.0]]) - 0.1, lengths)[0]
    torch.testing.assert_close(louder, plain, rtol=1e-2, atol=2e-2)  # the 1e-5 beside the variance is left
    torch.testing.assert_close(
        features_of("hubert_large")(waves[1:, :2000], lengths[1:])[0], plain[1:, :6], rtol=1e-4, atol=1e-5
    )


def test_gradients_reach_the_waveform_through_a_frozen_network_and_not_what_is_padding():
    extractor = features_of("wavlm_base", 8000, rate=16000).requires_grad_(False)
    waves, lengths = waves_of(4000, 2000)
    waves.requires_grad_()
    extractor(waves, lengths)[0].square().sum().backward()
    assert waves.grad.isfinite().all() and (waves.grad[0] != 0).float().mean() > 0.99
    assert (waves.grad[1, 2000:] == 0).all()


def test_the_gradient_of_the_convolutions_alone_is_scaled():
    waves, lengths = waves_of(4000, 2000)
    grads = []
    for scale in (1.0, 0.1):
        extractor, given = features_of(convolution_gradient=scale), waves.clone().requires_grad_()
        extractor(given, lengths)[0].square().sum().backward()
        grads.append({name: parameter.grad for name, parameter in extractor.named_parameters()} | {"": given.grad})
    for name, gradient in grads[0].items():
        factor = 0.1 if name.startswith("network.feature_extractor") else 1.0
        torch.testing.assert_close(grads[1][name], factor * gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_dropout_and_layer_drop_draw_in_training_alone():
    waves, lengths = waves_of(4000, 2000)
    extractor = features_of("wavlm_base", dropout=0.0, layer_drop=0.9, layer=3).train()
    kept = extractor.eval()(waves, lengths)[0]
    torch.manual_seed(1)
    dropped = extractor.train()(waves, lengths)[0]
    assert not torch.allclose(dropped, kept)
    torch.testing.assert_close(dropped, features_of("wavlm_base", layer=1)(waves, lengths)[0])
    extractor = features_of(dropout=0.3)
    assert torch.equal(extractor(waves, lengths)[0], extractor(waves, lengths)[0])
    extractor.train()
    assert not torch.allclose(extractor(waves, lengths)[0], extractor(waves, lengths)[0])


def test_mixed_precision_and_double():
    extractor = features_of("wavlm_large")
    waves, lengths = waves_of(4000, 2000)
    plain = extractor(waves, lengths)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = extractor(waves, lengths)[0]
    assert mixed.dtype == torch.float32 and not torch.equal(mixed, plain)
    torch.testing.assert_close(mixed, plain, rtol=0.2, atol=0.2)
    double = extractor.double()(waves.double(), lengths)[0]
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), plain, rtol=1e-4, atol=1e-4)


def test_a_batch_of_clips_too_short_for_a_frame_has_none():
    features, frames = features_of()(*waves_of(399, 20))
    assert features.shape == (2, 0, 32) and frames.tolist() == [0, 0]
    extractor = features_of("wavlm_base")
    features, frames = extractor(*waves_of(2000, 20))
    assert frames.tolist() == [6, 0] and features.isfinite().all()
    features.sum().backward()
    assert all(p.grad.isfinite().all() for p in extractor.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"rate_of_data": 8000},
            "takes 16000 Hz, the data have 8000 Hz: set rate: 16000 to resample them, or rate: 8000",
        ),
        ({"model": "wav2vec"}, "model 'wav2vec' is not known; take one of wav2vec2_base, "),
        ({"sizes": {"depth": 3}}, "sizes: unknown key depth"),
        ({"sizes": {"heads": 5}}, "sizes.heads: 5 must divide width, which is 768"),
        ({"sizes": {"layers": 0}}, "sizes.layers: 0 lies outside 1 to 10000"),
        (
            {"sizes": {"convolutions": [[3, 4]]}},
            r"sizes.convolutions: \[\[3, 4\]\]: expected \[channels, kernel, stride",
        ),
        ({"sizes": {"convolution_norm": "batch"}}, "sizes.convolution_norm: 'batch': take one of group, layer"),
        ({"sizes": {"buckets": 6}}, "sizes.buckets: 6 must be a multiple of 4"),
        ({"sizes": {"buckets": 320, "max_distance": 80}}, "sizes.max_distance: 80 must be larger than buckets / 4"),
        ({"sizes": 3}, "sizes: expected"),
        ({"layer": 13}, "layer: 13: take a number from 0 to 12, last, mean, weighted"),
        ({"layer": "first"}, "layer: 'first': take a number"),
        ({"layer": True}, "layer: True: take a number"),
        ({"dropout": 1.0}, "dropout: 1.0 must lie between 0 and 1"),
        (
            {"convolution_gradient": 0.0},
            "convolution_gradient: 0.0 must lie above 0, at most 1; to leave the convolutions",
        ),
    ],
)
def test_options_that_do_not_fit_are_named(given, message):
    given = {"model": "wav2vec2_base", "rate_of_data": 16000} | given
    with pytest.raises((ConfigError, FeatureError), match=message):
        SslFeatures(given.pop("rate_of_data"), **given)


def test_without_torchaudio_one_line_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchaudio.models", None)
    with pytest.raises(PackageError, match="needs torchaudio.models, .*; run tools/install.sh, or pip install"):
        SslFeatures(16000, "wav2vec2_base", SMALL)
