"""Inception score and Fréchet distance as means of contributions: values by definition, influence by reweighting."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from nrsr.scoring.shares import frechet_shares, inception_shares, over_splits


def posteriors(count: int, classes: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), count)


def inception(rows: np.ndarray) -> float:
    """By the definition; rows [N, K]."""
    marginal = rows.mean(0)
    return float(np.exp(np.mean([(row * np.log(row / marginal)).sum() for row in rows])))


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """By the definition, with the covariances of np.cov."""
    first, second = np.cov(one.T), np.cov(other.T)
    apart = one.mean(0) - other.mean(0)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * sqrtm(first @ second).real.trace())


def test_inception_score_of_one_split_and_of_several():
    rows = posteriors(60)
    assert inception_shares(rows).mean() == pytest.approx(inception(rows), rel=1e-12)
    order = np.random.default_rng(0).permutation(60)
    for splits in (4, 7):  # 7 does not divide 60
        scores = [inception(rows[part]) for part in np.array_split(order, splits)]
        assert over_splits(rows, splits, inception_shares).mean() == pytest.approx(np.mean(scores), rel=1e-12)


def test_inception_score_at_its_bounds():
    assert inception_shares(np.eye(4)[np.arange(40) % 4]).mean() == pytest.approx(4.0)
    assert inception_shares(np.full((40, 4), 0.25)) == pytest.approx(1.0)
    assert inception_shares(np.eye(4)[np.zeros(40, int)].astype(np.float32)) == pytest.approx(1.0)


@pytest.mark.parametrize(("count", "dim"), [(200, 6), (30, 40), (12, 12)], ids=["more", "fewer", "as many"])
def test_frechet_distance(count, dim):
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(dim, dim))
    one, other = rng.normal(size=(count, dim)) @ mixing, 1.3 * rng.normal(size=(150, dim)) + 0.5
    assert frechet_shares(one, other).mean() == pytest.approx(frechet(one, other), rel=1e-5)
    assert frechet_shares(other, other).mean() == pytest.approx(0.0, abs=1e-8)
    shifted = frechet_shares(other + np.arange(dim), other)
    assert shifted.mean() == pytest.approx((np.arange(dim) ** 2).sum(), rel=1e-9)


def test_over_splits_sets_of_several_sizes_have_one_bias():
    rng = np.random.default_rng(5)
    reference, rows = rng.normal(size=(2000, 20)), rng.normal(size=(1800, 20))
    whole = [frechet_shares(part, reference).mean() for part in (rows, rows[:300])]
    assert whole[1] > 3 * whole[0]  # both sets are of the distribution of the reference
    large, small = over_splits(rows, 6, lambda part: frechet_shares(part, reference)).mean(), whole[1]
    assert large == pytest.approx(small, rel=0.2)


def test_frechet_distance_equals_that_of_torchmetrics_gaussians():
    torchmetrics = pytest.importorskip("torchmetrics.image.fid")
    import torch

    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(80, 5)), rng.normal(size=(90, 5)) * 2 + 1
    statistics = [torch.from_numpy(part) for rows in (one, other) for part in (rows.mean(0), np.cov(rows.T))]
    theirs = torchmetrics._compute_fid(*statistics).item()
    assert frechet_shares(one, other).mean() == pytest.approx(theirs, rel=1e-6)


def weighted_frechet(rows: np.ndarray, weights: np.ndarray, other: np.ndarray) -> float:
    """The distance of weighted rows; covariances over N."""
    weights = weights / weights.sum()
    mean = weights @ rows
    first = ((rows - mean) * weights[:, None]).T @ (rows - mean)
    apart, second = mean - other.mean(0), np.cov(other.T)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * sqrtm(first @ second).real.trace())


def test_a_contribution_is_the_influence_of_its_utterance():
    rng, step = np.random.default_rng(3), 1e-5
    rows, other = rng.normal(size=(2000, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(300, 4)) + 1
    shares = frechet_shares(rows, other)
    for number in (0, 7, 99):
        weights = np.full(2000, 1 - step)
        weights[number] += step * 2000
        slope = (weighted_frechet(rows, weights, other) - weighted_frechet(rows, np.ones(2000), other)) / step
        assert slope == pytest.approx(shares[number] - shares.mean(), rel=0.01, abs=0.02)
    marks = posteriors(50)
    shares = inception_shares(marks)
    for number in (0, 7, 49):
        weights = np.full(50, (1 - step) / 50)
        weights[number] += step
        marginal = weights @ marks
        score = np.exp(sum(w * (row * np.log(row / marginal)).sum() for w, row in zip(weights, marks, strict=True)))
        assert (score - inception(marks)) / step == pytest.approx(shares[number] - shares.mean(), rel=1e-3)


def test_the_interval_is_that_of_other_samples():
    """Drawing contributions anew spreads as the value does over sets that are drawn anew."""
    rng = np.random.default_rng(4)
    other = rng.normal(size=(400, 3))
    values, deviations = [], []
    for _ in range(150):
        rows = rng.normal(size=(250, 3)) * (1.5, 1.0, 0.7) + (0.3, 0.0, 0.0)
        shares = frechet_shares(rows, other)
        values.append(shares.mean())
        deviations.append(shares.std() / np.sqrt(250))
    assert np.mean(deviations) == pytest.approx(np.std(values), rel=0.2)
