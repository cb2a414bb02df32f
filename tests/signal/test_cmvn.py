"""CMVN statistics, application and the sliding window, against loops and torchaudio."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.signal.cmvn import CmvnError, accumulate, apply, apply_sliding


def slow_sliding(features, window, min_window, center, norm_vars):
    """Kaldi's SlidingWindowCmn, frame by frame."""
    count = len(features)
    rows = []
    for now in range(count):
        begin = now - window // 2 if center else now - window
        end = begin + window if center else now + 1
        if begin < 0:
            end -= begin
            begin = 0
        if not center and end > now:
            end = max(now + 1, min_window)
        if end > count:
            begin = max(begin - (end - count), 0)
            end = count
        inside = features[begin:end].astype(np.float64)
        row = features[now] - inside.mean(axis=0)
        if norm_vars:
            row = np.zeros_like(row) if len(inside) == 1 else row / np.sqrt(np.maximum(inside.var(axis=0), 1e-10))
        rows.append(row)
    return np.array(rows).reshape(features.shape)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(0, 40),
    window=st.integers(1, 30),
    min_window=st.integers(1, 30),
    center=st.booleans(),
    norm_vars=st.booleans(),
    seed=st.integers(0, 999),
)
def test_sliding_equals_the_loop(frames, window, min_window, center, norm_vars, seed):
    features = (np.random.default_rng(seed).standard_normal((frames, 3)) * 2 + 50).astype(np.float32)
    ours = apply_sliding(features, window, min_window, center, norm_vars)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, slow_sliding(features, window, min_window, center, norm_vars), atol=1e-4)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("norm_vars", [True, False])
def test_sliding_equals_torchaudio(center, norm_vars):
    functional = pytest.importorskip(
        "torchaudio.functional", reason="no torchaudio", exc_type=(ImportError, OSError, RuntimeError)
    )
    features = np.random.default_rng(0).standard_normal((150, 4)).astype(np.float32)
    theirs = functional.sliding_window_cmn(torch.as_tensor(features), 40, 20, center, norm_vars)
    np.testing.assert_allclose(apply_sliding(features, 40, 20, center, norm_vars), theirs, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5), seed=st.integers(0, 999))
def test_statistics_add_up_and_normalise(sizes, seed):
    rng = np.random.default_rng(seed)
    parts = [(rng.standard_normal((size, 4)) * 3 + 10).astype(np.float32) for size in sizes]
    stats = sum(accumulate(part) for part in parts)
    joined = np.concatenate(parts)
    assert stats.dtype == np.float64
    assert stats[0, -1] == len(joined)
    assert stats[1, -1] == 0
    np.testing.assert_allclose(stats[0, :-1], sum(row.astype(float) for row in joined))
    np.testing.assert_allclose(stats[1, :-1], sum(row.astype(float) ** 2 for row in joined))
    np.testing.assert_allclose(apply(joined, stats).mean(axis=0), 0, atol=1e-4)
    if len(joined) > 5:
        np.testing.assert_allclose(apply(joined, stats, norm_vars=True).std(axis=0), 1, atol=1e-4)


def test_worked_numbers():
    stats = accumulate(np.array([[1.0, 2.0], [3.0, 6.0]]))
    np.testing.assert_array_equal(stats, [[4, 8, 2], [10, 40, 0]])
    np.testing.assert_allclose(apply(np.array([[3.0, 2.0]]), stats, norm_vars=True), [[1, -1]])


def test_constant_features_stay_finite():
    features = np.full((50, 2), 7.0, dtype=np.float32)
    assert not apply(features, accumulate(features), norm_vars=True).any()
    assert not apply_sliding(features, 10, 5, norm_vars=True).any()


@pytest.mark.parametrize("stats", [np.zeros((2, 4)), np.zeros((3, 4)), np.ones((2, 3)), np.ones(4)])
def test_statistics_that_do_not_fit_are_refused(stats):
    with pytest.raises(CmvnError):
        apply(np.zeros((5, 3)), stats)


def test_sliding_window_of_nothing_is_refused():
    with pytest.raises(CmvnError):
        apply_sliding(np.zeros((5, 3)), window=0)
