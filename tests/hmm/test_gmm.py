"""Mixtures: likelihoods, EM statistics and updates against slow loops and the library."""

import kaldi_hmm_gmm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.hmm.gmm import Gmm, single_gaussians
from nrsr.hmm.gmm_statistics import GmmStatistics, accumulate
from nrsr.hmm.gmm_update import MIN_SPLIT_COUNT, MIN_VARIANCE, split, split_targets, updated
from nrsr.kaldi.binary import BinaryReader, BinaryWriter, ModelFileError

IDS = 9


def random_gmm(rng: np.random.Generator, sizes: list[int], dim: int) -> Gmm:
    starts = np.cumsum([0, *sizes])
    weights = rng.uniform(0.2, 1.0, starts[-1])
    weights /= np.repeat(np.add.reduceat(weights, starts[:-1]), sizes)
    return Gmm(starts, weights, rng.normal(0, 2, (starts[-1], dim)), rng.uniform(0.3, 3.0, (starts[-1], dim)))


def slow_statistics(gmm: Gmm, features: np.ndarray, pdfs: np.ndarray, ids: np.ndarray) -> GmmStatistics:
    """Frame by frame, straight from the density of a normal distribution."""
    total = GmmStatistics.zeros(gmm, IDS)
    for frame, pdf, number in zip(features.astype(np.float64), pdfs, ids, strict=True):
        density = {}
        for g in range(gmm.starts[pdf], gmm.starts[pdf + 1]):
            exponent = -0.5 * np.sum((frame - gmm.means[g]) ** 2 / gmm.variances[g])
            density[g] = gmm.weights[g] * np.exp(exponent) / np.sqrt(np.prod(2 * np.pi * gmm.variances[g]))
        likelihood = sum(density.values())
        for g, value in density.items():
            total.occupancy[g] += value / likelihood
            total.first[g] += value / likelihood * frame
            total.second[g] += value / likelihood * frame**2
        total.transitions[number] += 1
        total.log_likelihood += np.log(likelihood)
        total.frames += 1
    return total


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), dim=st.integers(1, 5), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_statistics_are_those_of_a_slow_loop(seed, dim, sizes):
    rng = np.random.default_rng(seed)
    gmm = random_gmm(rng, sizes, dim)
    frames = int(rng.integers(1, 60))
    features = rng.normal(0, 2, (frames, dim)).astype(np.float32)
    pdfs, ids = rng.integers(0, len(sizes), frames), rng.integers(1, IDS + 1, frames)
    fast, slow = accumulate(gmm, features, pdfs, ids, IDS), slow_statistics(gmm, features, pdfs, ids)
    for name in ("occupancy", "first", "second", "transitions", "log_likelihood", "frames"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-3, atol=2e-3, err_msg=name)


def test_statistics_of_parts_add_up_to_those_of_the_whole():
    rng = np.random.default_rng(0)
    gmm = random_gmm(rng, [2, 3], 4)
    features, pdfs, ids = rng.normal(size=(9000, 4)).astype(np.float32), rng.integers(0, 2, 9000), np.ones(9000, int)
    whole = accumulate(gmm, features, pdfs, ids, IDS)  # pdfs have more frames than one block
    parts = GmmStatistics.zeros(gmm, IDS)
    for part in (slice(0, 10), slice(10, 9000)):
        parts.add(accumulate(gmm, features[part], pdfs[part], ids[part], IDS))
    np.testing.assert_allclose(parts.second, whole.second, rtol=1e-6)
    np.testing.assert_allclose(parts.log_likelihood, whole.log_likelihood, rtol=1e-7)
    np.testing.assert_allclose(whole.occupancy.sum(), 9000, rtol=1e-6)


def test_likelihoods_are_the_librarys():
    rng = np.random.default_rng(3)
    gmm = random_gmm(rng, [1, 3, 2], 4)
    features = rng.normal(0, 2, (600, 4)).astype(np.float32)  # more than one block
    model = gmm.for_library()
    theirs = [[model.log_likelihood(pdf, frame) for pdf in range(3)] for frame in features]
    np.testing.assert_allclose(gmm.log_likelihoods(features), theirs, rtol=1e-4, atol=1e-4)
    assert gmm.log_likelihoods(features[:0]).shape == (0, 3)


def test_the_m_step_is_the_librarys():
    rng = np.random.default_rng(4)
    gmm = random_gmm(rng, [3, 2, 1], 3)
    features = rng.normal(0, 2, (400, 3)).astype(np.float32)
    pdfs = rng.integers(0, 3, 400)
    statistics = accumulate(gmm, features, pdfs, np.ones(400, int), IDS)
    model, sums = gmm.for_library(), kaldi_hmm_gmm.AccumAmDiagGmm()
    flags = int(kaldi_hmm_gmm.GmmUpdateFlags.kGmmAll.value)
    sums.init(model, flags)
    for frame, pdf in zip(features, pdfs.tolist(), strict=True):
        sums.accumulate_for_gmm(model, frame, pdf, 1.0)
    kaldi_hmm_gmm.mle_am_diag_gmm_update(kaldi_hmm_gmm.MleDiagGmmOptions(), sums, flags, model)
    ours = updated(gmm, statistics)
    for pdf in range(3):
        theirs, part = model.get_pdf(pdf), slice(ours.starts[pdf], ours.starts[pdf + 1])
        np.testing.assert_allclose(ours.weights[part], theirs.weights, rtol=1e-3)
        np.testing.assert_allclose(ours.means[part], theirs.means, rtol=2e-3, atol=1e-3)
        np.testing.assert_allclose(ours.variances[part], theirs.vars, rtol=1e-2)


def test_gaussians_with_too_few_frames_go_but_one_of_each_pdf_stays():
    gmm = random_gmm(np.random.default_rng(5), [3, 2], 2)
    statistics = GmmStatistics.zeros(gmm, IDS)
    statistics.occupancy[:] = [50, 2, 30, 3, 1]
    statistics.first[:] = statistics.occupancy[:, None] * 7.0
    statistics.second[:] = statistics.occupancy[:, None] * 49.0
    after = updated(gmm, statistics)
    assert after.starts.tolist() == [0, 2, 3]
    np.testing.assert_allclose(after.weights, [50 / 80, 30 / 80, 1.0])
    np.testing.assert_allclose(after.means[:2], 7.0)
    assert (after.variances[:2] == MIN_VARIANCE).all()  # all frames were alike
    np.testing.assert_array_equal(after.means[2], gmm.means[3])  # too few frames to say anything


def test_em_raises_the_likelihood_and_finds_the_clusters():
    rng = np.random.default_rng(6)
    centres = np.array([[-4.0, 0.0], [4.0, 1.0], [0.0, 6.0]])
    features = (centres[rng.integers(0, 3, 900)] + rng.normal(0, 0.5, (900, 2))).astype(np.float32)
    pdfs, ids = np.zeros(900, int), np.ones(900, int)
    gmm = single_gaussians(features.mean(axis=0)[None], features.var(axis=0)[None])
    gmm = split(gmm, np.array([900.0]), 3, 0.25, rng)
    assert gmm.num_gaussians == 3
    np.testing.assert_allclose(gmm.weights.sum(), 1.0)
    history = []
    for _ in range(60):
        statistics = accumulate(gmm, features, pdfs, ids, IDS)
        history.append(statistics.log_likelihood)
        gmm = updated(gmm, statistics)
    assert np.all(np.diff(history) > -0.05)
    found = gmm.means[np.argsort(gmm.means[:, 0])]
    np.testing.assert_allclose(found, centres[np.argsort(centres[:, 0])], atol=0.15)


def test_pdfs_with_more_frames_get_more_gaussians():
    occupancy = np.array([10_000.0, 100.0, 1_000.0, 30.0])
    targets = split_targets(occupancy, 40, 0.25)
    assert targets.sum() == 40 and targets[0] > targets[2] > targets[1] > targets[3] == 1
    few = split_targets(np.full(3, 3.5 * MIN_SPLIT_COUNT), 100, 0.25)
    assert few.tolist() == [3, 3, 3]  # a fourth would have too few frames


def test_a_split_keeps_weight_and_mean():
    rng = np.random.default_rng(7)
    gmm = random_gmm(rng, [2, 1, 3], 3)
    grown = split(gmm, np.array([1e4, 50.0, 1e5]), 14, 0.25, rng)
    assert grown.num_gaussians == 14 and grown.starts[-1] == 14
    np.testing.assert_allclose(np.add.reduceat(grown.weights, grown.starts[:-1]), 1.0)
    averages = [np.add.reduceat(model.weights[:, None] * model.means, model.starts[:-1]) for model in (gmm, grown)]
    np.testing.assert_allclose(*averages)
    assert split(gmm, np.array([1e4, 50.0, 1e5]), 3, 0.25, rng) is gmm


def test_mixtures_are_read_as_they_were_written():
    gmm = random_gmm(np.random.default_rng(8), [2, 1, 3], 3)
    writer = BinaryWriter()
    gmm.write_to(writer)
    again = Gmm.read_from(BinaryReader(bytes(writer.content), "x.mdl"))
    assert again.starts.tolist() == gmm.starts.tolist()
    for name in ("weights", "means", "variances"):
        np.testing.assert_allclose(getattr(again, name), getattr(gmm, name), rtol=1e-5)
    broken = bytes(writer.content[:-40])
    with pytest.raises(ModelFileError, match=r"x\.mdl: byte \d+"):
        Gmm.read_from(BinaryReader(broken, "x.mdl"))
