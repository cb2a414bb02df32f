"""LDA and MLLT on made frames: against covariances of single classes, another solver, and known rotations."""

import kaldiio
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.data.features import FeaturesError, FeatureSettings
from nrsr.hmm.gmm import Gmm, single_gaussians
from nrsr.hmm.gmm_features import GmmFeatures, spliced, transformed
from nrsr.hmm.gmm_statistics import accumulate
from nrsr.hmm.lda import LdaError, accumulate_lda, estimate_lda
from nrsr.hmm.mllt import MlltError, MlltStatistics, accumulate_mllt, estimate_mllt, objective
from nrsr.hmm.model import read_model, write_model
from nrsr.kaldi.tables import TableWriter
from nrsr.signal.splice import splice

FRAMES = np.array([7, 1, 30, 12])  # of the utterances of `speech`
CONTEXT = 2


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(FRAMES.sum(), 3)).astype(np.float32)


def all_spliced(features: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    rows = np.arange(len(features)) if rows is None else rows
    return np.concatenate([block for _, block in spliced(features, FRAMES, CONTEXT, rows)])


def test_splicing_is_that_of_the_signal_package(speech, monkeypatch):
    monkeypatch.setattr("nrsr.hmm.gmm_features.BLOCK", 8)
    wanted = [
        splice(torch.from_numpy(part)[None], torch.tensor([len(part)]), CONTEXT, CONTEXT)[0]
        for part in np.split(speech, np.cumsum(FRAMES)[:-1])
    ]
    np.testing.assert_array_equal(all_spliced(speech), np.concatenate(wanted))
    rows = np.array([40, 7, 8, 49])  # the second utterance has a single frame
    np.testing.assert_array_equal(all_spliced(speech, rows), np.concatenate(wanted)[rows])
    matrix = np.random.default_rng(2).normal(size=(4, 15))
    product = np.concatenate(wanted) @ matrix.T
    np.testing.assert_allclose(transformed(speech, FRAMES, matrix), product, atol=1e-5)
    with_offset = np.column_stack([matrix, [1.0, 2.0, 3.0, 4.0]])  # the form of affine transforms in Kaldi
    np.testing.assert_allclose(transformed(speech, FRAMES, with_offset), product + [1, 2, 3, 4], atol=1e-5)


def test_lda_whitens_within_classes_and_sorts_what_lies_between():
    rng = np.random.default_rng(3)
    frames, size, classes = np.array([900, 1100]), 4, rng.integers(0, 6, 2000)
    centres = rng.normal(size=(6, size)) * [5.0, 0.2, 1.0, 2.0]
    features = (centres[classes] + rng.normal(size=(2000, size)) @ rng.normal(size=(size, size))).astype(np.float32)
    rows = np.flatnonzero(rng.random(2000) < 0.8)
    statistics = accumulate_lda(features, frames[:1], 0, rows[rows < 900], classes[rows[rows < 900]], 7)
    later = rows[rows >= 900] - 900
    statistics.add(accumulate_lda(features[900:], frames[1:], 0, later, classes[900:][later], 7))
    matrix, kept = estimate_lda(statistics, 3)

    projected, labels = features[rows].astype(np.float64) @ matrix.T, classes[rows]
    groups = [projected[labels == number] for number in range(6)]
    within = sum(len(group) * np.cov(group.T, bias=True) for group in groups) / len(rows)
    np.testing.assert_allclose(within, np.eye(3), atol=1e-6)
    means = np.repeat([group.mean(axis=0) for group in groups], [len(group) for group in groups], axis=0)
    between = np.cov(means.T, bias=True)
    np.testing.assert_allclose(between, np.diag(np.diag(between)), atol=1e-6)
    assert np.all(np.diff(np.diag(between)) < 0)

    # Another way to the same: eigenvalues of within^-1 between, of covariances taken class by class.
    own = [features[rows][labels == number].astype(np.float64) for number in range(6)]
    inner = sum(len(group) * np.cov(group.T, bias=True) for group in own) / len(rows)
    outer = np.cov(features[rows].T.astype(np.float64), bias=True) - inner
    values = np.sort(np.linalg.eigvals(np.linalg.inv(inner) @ outer).real)[::-1]
    np.testing.assert_allclose(np.diag(between), values[:3], rtol=1e-6)
    assert kept == pytest.approx(values[:3].sum() / values.sum())


def test_lda_of_spliced_frames_has_their_sums(speech, monkeypatch):
    monkeypatch.setattr("nrsr.hmm.gmm_features.BLOCK", 16)
    classes = np.random.default_rng(4).integers(0, 3, len(speech))
    statistics = accumulate_lda(speech, FRAMES, CONTEXT, np.arange(len(speech)), classes, 4)
    wide = all_spliced(speech).astype(np.float64)
    np.testing.assert_allclose(statistics.second, wide.T @ wide, atol=1e-4)
    for number in range(4):
        np.testing.assert_allclose(statistics.sums[number], wide[classes == number].sum(axis=0), atol=1e-4)
    assert statistics.counts.tolist() == [*np.bincount(classes), 0]
    with pytest.raises(LdaError, match=r"lda.dim 16: spliced frames have 15 values"):
        estimate_lda(statistics, 16)
    few = accumulate_lda(speech, FRAMES, CONTEXT, np.arange(9), classes[:9], 4)
    with pytest.raises(LdaError, match="9 aligned frames without silence do not fill the 15 dimensions"):
        estimate_lda(few, 5)
    with pytest.raises(LdaError, match="0 aligned frames"):
        estimate_lda(accumulate_lda(speech, FRAMES, CONTEXT, np.arange(0), classes[:0], 4), 5)


def likelihood(gmm: Gmm, features: np.ndarray, pdfs: np.ndarray) -> float:
    return accumulate(gmm, features, pdfs, np.ones(len(pdfs), int), 1).log_likelihood


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_mllt_never_lowers_the_likelihood(seed, dim, sizes):
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *sizes])
    weights = np.concatenate([np.full(size, 1.0 / size) for size in sizes])
    gmm = Gmm(starts, weights, rng.normal(size=(starts[-1], dim)), rng.uniform(0.2, 2.0, (starts[-1], dim)))
    pdfs = rng.integers(0, len(sizes), 300)
    features = (rng.normal(size=(300, dim)) @ rng.normal(size=(dim, dim))).astype(np.float32)
    statistics = accumulate_mllt(gmm, features[:100], pdfs[:100])
    statistics.add(accumulate_mllt(gmm, features[100:], pdfs[100:]))
    matrix = estimate_mllt(statistics)
    assert objective(matrix, statistics) >= objective(np.eye(dim), statistics) - 1e-9
    # Each row is the best beside the others: its quadratic form is the number of frames.
    for row, scatter in zip(matrix, statistics.scatter, strict=True):
        assert row @ scatter @ row == pytest.approx(300.0, rel=0.02)
    # EM: the true likelihood rises at least as far as the auxiliary function.
    moved = Gmm(starts, weights, gmm.means @ matrix.T, gmm.variances)
    after = likelihood(moved, features @ matrix.T.astype(np.float32), pdfs) + 300 * np.linalg.slogdet(matrix)[1]
    before = likelihood(gmm, features, pdfs)
    gain = objective(matrix, statistics) - objective(np.eye(dim), statistics)
    assert after - before >= gain - 1e-3 * (1 + abs(before))


def test_mllt_statistics_are_those_of_a_slow_loop():
    rng = np.random.default_rng(5)
    gmm = Gmm(
        np.array([0, 2, 3]), np.array([0.3, 0.7, 1.0]), rng.normal(size=(3, 2)), rng.uniform(0.5, 2.0, size=(3, 2))
    )
    features, pdfs = rng.normal(size=(20, 2)).astype(np.float32), rng.integers(0, 2, 20)
    wanted = np.zeros((2, 2, 2))
    for frame, pdf in zip(features, pdfs, strict=True):
        own = range(gmm.starts[pdf], gmm.starts[pdf + 1])
        exponents = [-0.5 * np.sum((frame - gmm.means[g]) ** 2 / gmm.variances[g]) for g in own]
        density = gmm.weights[own] * np.exp(exponents) / np.sqrt(np.prod(gmm.variances[own], axis=1))
        for g, posterior in zip(own, density / density.sum(), strict=True):
            away = frame - gmm.means[g]
            for row in range(2):
                wanted[row] += posterior / gmm.variances[g, row] * np.outer(away, away)
    found = accumulate_mllt(gmm, features, pdfs)
    np.testing.assert_allclose(found.scatter, wanted, rtol=1e-4, atol=1e-5)
    assert found.frames == 20


def test_mllt_turns_rotated_frames_back():
    """Classes with diagonal covariances of their own, turned: only the axes before the turn fit them all."""
    rng = np.random.default_rng(6)
    dim, classes = 4, rng.integers(0, 8, 16000)
    deviations = rng.uniform(0.3, 3.0, (8, dim))
    rotation = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    frames = (rng.normal(size=(8, dim))[classes] + rng.normal(size=(16000, dim)) * deviations[classes]) @ rotation.T
    total, features = np.eye(dim), frames.astype(np.float32)
    for _ in range(12):  # as in training: variances are fitted, then the transform
        groups = [features[classes == number] for number in range(8)]
        gmm = single_gaussians(np.stack([g.mean(axis=0) for g in groups]), np.stack([g.var(axis=0) for g in groups]))
        matrix = estimate_mllt(accumulate_mllt(gmm, features, classes))
        total, features = matrix @ total, (features @ matrix.T).astype(np.float32)
    axes = np.abs(total @ rotation)
    axes /= axes.max(axis=1, keepdims=True)
    assert sorted(axes.argmax(axis=1)) == [0, 1, 2, 3]
    assert np.sort(axes, axis=1)[:, :-1].max() < 0.03
    assert np.sort(np.abs(rotation), axis=1)[:, :-1].max() > 0.3  # they were far from it


def test_mllt_of_too_few_frames_is_named():
    with pytest.raises(MlltError, match="3 aligned frames without silence do not fill 4 dimensions"):
        estimate_mllt(MlltStatistics(np.zeros((4, 4, 4)), 3.0))


def test_features_that_do_not_fit_the_matrix_are_named(tmp_path):
    with TableWriter(f"ark,scp:{tmp_path}/feats.ark,{tmp_path}/feats.scp") as writer:
        writer["a"] = np.random.default_rng(7).normal(size=(9, 5)).astype(np.float32)
    plain = FeatureSettings("none", 2)
    matrix = np.random.default_rng(8).normal(size=(4, 15))
    found = GmmFeatures(tmp_path, plain, matrix)
    assert found.dim == 4 and found["a"].shape == (9, 4)  # the deltas of the settings are not taken
    assert GmmFeatures(tmp_path, plain)["a"].shape == (9, 15)
    for columns in (13, 10, 17):
        with pytest.raises(FeaturesError, match=f"features have 5 values a frame, .* takes {columns} of spliced"):
            GmmFeatures(tmp_path, plain, np.ones((4, columns)))


def test_kaldiio_reads_the_matrix(trained, tmp_path):
    model = read_model(trained / "lda")
    matrix = kaldiio.load_mat(str(trained / "lda" / "final.mat"))
    assert matrix.dtype == np.float32 and matrix.shape == (8, 42)  # 7 frames of 6 values
    np.testing.assert_array_equal(matrix, model.transform)
    write_model(tmp_path, model)
    assert (tmp_path / "final.mat").read_bytes() == (trained / "lda" / "final.mat").read_bytes()
    write_model(tmp_path, read_model(trained / "tri"))  # over the other one
    assert read_model(tmp_path).transform is None
