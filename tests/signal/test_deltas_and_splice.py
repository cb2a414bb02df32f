"""Deltas and splicing against loops, torchaudio and worked numbers; padding and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.signal.deltas import add_deltas, delta_filters
from nrsr.signal.extractor import FeatureError
from nrsr.signal.splice import splice


def slow_deltas(features, order, window):
    """Kaldi's definition: the filter of each order is built tap by tap and run over clamped frames."""
    taps = {0: 1.0}
    columns = []
    norm = sum(j * j for j in range(-window, window + 1))
    for _ in range(order + 1):
        column = np.zeros(features.shape)
        for frame in range(len(features)):
            for offset, weight in taps.items():
                column[frame] += weight * features[min(max(frame + offset, 0), len(features) - 1)]
        columns.append(column)
        further = {}
        for offset, weight in taps.items():
            for j in range(-window, window + 1):
                further[offset + j] = further.get(offset + j, 0.0) + weight * j / norm
        taps = further
    return np.concatenate(columns, axis=1)


def slow_splice(features, left, right):
    rows = []
    for frame in range(len(features)):
        places = [min(max(frame + offset, 0), len(features) - 1) for offset in range(-left, right + 1)]
        rows.append(np.concatenate([features[place] for place in places]))
    return np.array(rows)


def alone(function, features, *arguments):
    return function(torch.as_tensor(features)[None], torch.tensor([len(features)]), *arguments)[0].numpy()


@settings(max_examples=30, deadline=None)
@given(frames=st.integers(1, 20), order=st.integers(0, 3), window=st.integers(1, 4), seed=st.integers(0, 999))
def test_deltas_equal_the_loop(frames, order, window, seed):
    features = np.random.default_rng(seed).standard_normal((frames, 3))
    np.testing.assert_allclose(
        alone(add_deltas, features, order, window), slow_deltas(features, order, window), atol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(frames=st.integers(1, 20), left=st.integers(0, 5), right=st.integers(0, 5), seed=st.integers(0, 999))
def test_splice_equals_the_loop(frames, left, right, seed):
    features = np.random.default_rng(seed).standard_normal((frames, 3))
    np.testing.assert_array_equal(alone(splice, features, left, right), slow_splice(features, left, right))


def test_slope_of_a_ramp_is_its_rate():
    ramp = 0.5 * np.arange(20.0)[:, None]
    derived = alone(add_deltas, ramp)
    np.testing.assert_allclose(
        derived[4:-4], np.stack([ramp[4:-4, 0], np.full(12, 0.5), np.zeros(12)], axis=1), atol=1e-12
    )
    np.testing.assert_allclose(delta_filters(1, 2)[1], [-0.2, -0.1, 0.0, 0.1, 0.2])


def test_deltas_equal_torchaudio():
    functional = pytest.importorskip(
        "torchaudio.functional", reason="no torchaudio", exc_type=(ImportError, OSError, RuntimeError)
    )
    features = torch.randn(1, 30, 4, generator=torch.Generator().manual_seed(0))
    theirs = functional.compute_deltas(features.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(add_deltas(features, torch.tensor([30]), order=1)[..., 4:], theirs)


@pytest.mark.parametrize("function, arguments", [(add_deltas, (2, 2)), (splice, (3, 1))])
def test_padding_changes_nothing(function, arguments):
    batch = torch.randn(3, 12, 2, generator=torch.Generator().manual_seed(1))
    frames = torch.tensor([12, 5, 1])
    together = function(batch, frames, *arguments)
    for row, count in enumerate(frames.tolist()):
        np.testing.assert_allclose(
            together[row, :count], alone(function, batch[row, :count].numpy(), *arguments), atol=1e-6
        )
        assert not together[row, count:].any()


@pytest.mark.parametrize("function, arguments", [(add_deltas, (2, 2)), (splice, (3, 1))])
def test_gradients(function, arguments):
    batch = torch.randn(2, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: function(x, torch.tensor([6, 4]), *arguments), batch)


@pytest.mark.parametrize("order, window", [(-1, 2), (2, 0)])
def test_bad_options_are_refused(order, window):
    with pytest.raises(FeatureError):
        delta_filters(order, window)
