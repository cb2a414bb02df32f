"""Masked prediction: the loss by hand, its masks and clusters, clean targets of noisy speech, padding, refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import vq
from toy_students import RATE, encoder, make_batch

from nrsr.config import ConfigError
from nrsr.experiment.modules import freeze
from nrsr.signal import Mfcc
from nrsr.signal.deltas import add_deltas
from nrsr.systems import LossError, build_system

SMALL = {"clusters": 5, "code": 4, "start": 0.3, "span": 2}


def make(features: dict | None = None, prepared: bool = True, **options):
    torch.manual_seed(0)
    spec = {"class": "nrsr.systems.MaskedPrediction", "features": features or encoder(), **SMALL, **options}
    system = build_system({"sample_rate": RATE, "system": spec})
    if prepared:
        system.prepare([make_batch()])
    return system


def vectors_of(wave: torch.Tensor) -> torch.Tensor:
    """MFCCs with two orders of deltas [N, 39] of one waveform [T]."""
    cepstra, frames = Mfcc(RATE)(wave[None], torch.tensor([len(wave)]))
    return add_deltas(cepstra, frames, 2)[0]


@torch.no_grad()
def test_the_loss_is_the_cross_entropy_of_masked_frames_alone():
    system, batch = make().eval(), make_batch(clean=(False, False, False))
    criteria = system.validate(batch)
    mask = system.draw_mask(
        torch.arange(system.features.frames(torch.tensor(2000)))[None] < system.features.frames(batch.lengths)[:, None],
        torch.Generator().manual_seed(0),
    )

    def masked(projected):
        projected = projected.clone()
        projected[mask] = system.mask
        return projected

    layers, _ = system.features.layers(batch.waves, batch.lengths, change=masked)
    labels, total, right = system.labels(batch), 0.0, 0
    for row, frame in mask.nonzero().tolist():
        code = system.projection(layers[-1][row, frame])
        cosines = torch.stack([code @ other / (code.norm() * other.norm()) for other in system.codes])
        total -= float((10.0 * cosines).log_softmax(0)[labels[row, frame]])
        right += int(cosines.argmax() == labels[row, frame])
    assert int(mask.sum()) > 10
    assert float(criteria["loss"][0]) == pytest.approx(total, rel=1e-4)
    assert (int(criteria["accuracy"][0]), int(criteria["loss"][1])) == (right, int(mask.sum()))


@torch.no_grad()
def test_labels_are_the_nearest_centres_of_frames_at_the_same_place():
    system, batch = make(), make_batch(clean=(False, False, False))
    labels, frames = system.labels(batch), system.features.frames(batch.lengths)
    for row, (length, count) in enumerate(zip(batch.lengths.tolist(), frames.tolist(), strict=True)):
        vectors = vectors_of(batch.waves[row, :length])
        places = [int((place + 0.5) * len(vectors) / count) for place in range(count)]
        normal = (vectors[places] - system.mean) / system.deviation
        expected, _ = vq(normal.double().numpy(), system.centres.double().numpy())
        assert labels[row, :count].tolist() == expected.tolist()


@torch.no_grad()
def test_clusters_are_those_of_the_first_utterances_each_value_counting_alike():
    system, batch = make(prepared=False), make_batch(clean=(False, False, False))
    (remark,) = system.prepare([batch])
    vectors = torch.cat([vectors_of(batch.waves[row, :length]) for row, length in enumerate(batch.lengths.tolist())])
    torch.testing.assert_close(system.mean, vectors.mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(system.deviation, vectors.std(0), atol=1e-4, rtol=1e-4)
    assert remark.startswith(f"masked prediction: 5 clusters of {len(vectors)} frames, the largest of ")
    normal = ((vectors - vectors.mean(0)) / vectors.std(0)).double().numpy()
    labels, _ = vq(normal, system.centres.double().numpy())
    means = np.stack([normal[labels == number].mean(0) for number in range(5)])
    np.testing.assert_allclose(means, system.centres, atol=0.3)  # each is the mean of its own, up to the last round
    centres = system.centres.clone()
    assert "came with the weights" in system.prepare([make_batch(seed=7)])[0]
    assert torch.equal(system.centres, centres)


@torch.no_grad()
def test_noisy_speech_has_the_clusters_of_the_clean_speech():
    system, batch = make(), make_batch(clean=(True, False, True))
    clean = replace(batch, waves=torch.where(batch.has_clean[:, None], batch.clean, batch.waves), clean=None)
    noisy = replace(batch, clean=None)
    labels = system.labels(batch)
    assert torch.equal(labels, system.labels(clean)) and not torch.equal(labels, system.labels(noisy))


@torch.no_grad()
def test_padding_changes_nothing():
    system, batch = make().eval(), make_batch()
    before = system.validate(batch)
    batch.waves[2, 900:], batch.clean[2, 900:] = 7.0, -3.0
    for name, (value, count) in system.validate(batch).items():
        assert float(value) == pytest.approx(float(before[name][0]), rel=1e-4) and int(count) == int(before[name][1])


@given(st.floats(0.01, 1.0), st.integers(1, 12), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_masks_are_stretches_within_the_utterance(start, span, seed):
    system = make(prepared=False, start=start, span=span)
    valid = torch.arange(60) < torch.tensor([[60], [17], [1]])
    generator = torch.Generator().manual_seed(seed)
    starts = torch.rand(valid.shape, generator=torch.Generator().manual_seed(seed)) < start
    expected = torch.zeros_like(valid)
    for row, place in starts.nonzero().tolist():
        expected[row, place : place + span] = True
    assert torch.equal(system.draw_mask(valid, generator), expected & valid)


def test_training_reaches_all_parameters_and_learns():
    system = make()
    batch, parameters = make_batch(clean=(False, False, False)), system.turns()["main"]
    optimiser = torch.optim.Adam(parameters, lr=0.01)
    history = []
    for _ in range(60):
        losses = system.losses(batch, "main", ["masked"])
        optimiser.zero_grad()
        losses["masked"].backward()
        assert all(parameter.grad is not None for parameter in parameters)
        optimiser.step()
        history.append(float(losses["masked"].detach()))
    assert np.mean(history[-10:]) < 0.7 * np.mean(history[:10])
    assert system.counts(batch, "main", ["masked"])["masked"] == system.features.frames(batch.lengths).sum()


def test_an_utterance_without_masked_frames_has_a_loss_of_0():
    system, batch = make(start=1e-9), make_batch()
    loss = system.losses(batch, "main", ["masked"])["masked"]
    loss.backward()
    assert float(loss.detach()) == 0.0


def test_targets_may_be_a_layer_of_a_frozen_encoder():
    targets = {**encoder(), "layer": 2}
    system = make(prepared=False, targets=targets, deltas=0)
    with pytest.raises(ConfigError, match=r"freeze: the targets are not trained; name them: freeze: \[targets\]"):
        system.prepare([make_batch()])
    freeze(system, ["targets"])
    system.prepare([make_batch()])
    system.train()
    assert not system.targets.training and system.features.training
    assert not set(system.turns()["main"]) & set(system.targets.parameters())
    batch = make_batch(clean=(False, False, False))
    layers, frames = system.targets.layers(batch.waves, batch.lengths)
    valid = torch.arange(layers[2].shape[1]) < frames[:, None]
    normal = (layers[2][valid] - system.mean) / system.deviation
    assert torch.equal(system.labels(batch)[valid], torch.cdist(normal, system.centres).argmin(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": 1}, "system.clusters: 1 is too small; take 2 or more"),
        ({"span": 0}, "system.span: 0 is too small; take 1 or more"),
        ({"start": 0.0}, "system.start: 0.0 must lie above 0, at most 1"),
        ({"temperature": 0.0}, "system.temperature: 0.0 must lie above 0"),
        ({"features": {**encoder(), "layer": 1}}, "set layer: last, and no projection"),
        ({"features": {**encoder(), "projection": 3}}, "set layer: last, and no projection"),
        ({"deltas": -1}, "system.deltas: -1 is too small; take 0 or more"),
    ],
)
def test_misfits_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        make(prepared=False, **options)


def test_more_clusters_than_frames_and_unknown_losses_are_named():
    with pytest.raises(
        ConfigError, match="system.clusters: 4000, but an epoch has [0-9]+ frames of targets; take fewer"
    ):
        make(clusters=4000)
    with pytest.raises(LossError, match="MaskedPrediction has no loss ce; it has masked"):
        make().losses(make_batch(), "main", ["ce"])
