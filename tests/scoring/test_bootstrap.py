"""Bootstrap: sums beside a plain loop, coverage on simulated data, pairing."""

import numpy as np
import pytest

from nrsr.reporting import results_tables
from nrsr.scoring import (
    Run,
    ScoreTable,
    bootstrap,
    compare_tables,
    find_metric,
    interval,
    pool_runs,
    resampled_sums,
    summarise,
)
from nrsr.scoring.bootstrap import probability_of_improvement, resampled_group_sums


def scores_of(errors: np.ndarray, words: np.ndarray) -> ScoreTable:
    """Scores with all errors substitutions; characters left out."""
    utterances = np.array([f"u{n:05d}" for n in range(len(errors))])
    none = np.zeros(len(errors), int)
    return ScoreTable({"utt": utterances, "words": words, "sub": errors, "del": none, "ins": none})


def difference(scores: ScoreTable, versus: ScoreTable) -> dict:
    return compare_tables(scores, versus, [find_metric("wer")])["wer"]


def test_each_draw_picks_as_many_units_as_there_are():
    sums = resampled_sums(np.ones((7, 1)), [np.arange(7)], draws=50)
    assert (sums == 7).all()


def test_memory_chunks_hold_every_draw(monkeypatch):
    monkeypatch.setattr(bootstrap, "WEIGHTS_AT_ONCE", 64)
    sums = resampled_sums(np.ones((20, 2)), [np.arange(20)], draws=11)
    assert sums.shape == (11, 2)
    assert (sums == 20).all()


def test_same_seed_same_draws():
    values = np.arange(12.0).reshape(6, 2)
    first, again, other = (resampled_sums(values, [np.arange(6)], 20, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_rows_weigh_the_product_of_their_draws():
    """One string with three noise recordings: only the recordings vary, and their weights sum to three."""
    sums = resampled_sums(np.eye(3), [np.array(["s"] * 3), np.array(["a", "b", "c"])], draws=400)
    assert (sums.sum(axis=1) == 3).all()
    assert np.allclose(sums.mean(axis=0), 1, atol=0.15)
    assert set(np.unique(sums)) == {0, 1, 2, 3}


def test_groups_have_the_sums_of_their_rows():
    """Sums by group are those of a column that is zero elsewhere, whatever the order of the rows."""
    rng = np.random.default_rng(4)
    values, groups, files = rng.normal(size=(60, 3)), rng.integers(5, size=60), rng.integers(9, size=60)
    units = [np.arange(60), files]
    by_group, by_file = resampled_group_sums(values, units, [groups, np.sort(groups)], draws=30)
    for numbers, sums in ((groups, by_group), (np.sort(groups), by_file)):
        for group in range(5):
            expected = resampled_sums(values * (numbers == group)[:, None], units, draws=30)
            np.testing.assert_allclose(sums[:, group], expected, atol=1e-12)


@pytest.mark.parametrize(("better", "expected"), [("lower", 0.625), ("higher", 0.375)])
def test_a_draw_without_a_difference_counts_half(better, expected):
    differences = np.array([-1.0, -1.0, 0.0, 1.0, np.nan])
    assert probability_of_improvement(differences, better) == expected
    assert probability_of_improvement(np.array([np.nan]), better) is None


def test_deviation_is_that_of_the_theory():
    """Over utterances of equal length the drawn mean has the deviation s / sqrt(n)."""
    values = np.random.default_rng(0).normal(size=(400, 1))
    means = resampled_sums(values, [np.arange(400)], draws=4000)[:, 0] / 400
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_interval_covers_the_true_rate():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(100):
        words = rng.integers(1, 8, size=150)
        rates = rng.beta(1, 4, size=150)  # utterances differ: mean 20 %
        sums = resampled_sums(np.stack([rng.binomial(words, rates), words], axis=1), [np.arange(150)], draws=1000)
        low, high = interval(100 * sums[:, 0] / sums[:, 1])
        covered += low <= 20 <= high
    assert 86 <= covered <= 100


def test_speakers_of_one_mixture_are_drawn_together(tmp_path):
    """Two speakers with the same errors in each mixture: the interval is that of one of them."""
    rng = np.random.default_rng(3)
    errors, words = rng.integers(0, 4, 50), np.full(50, 5)
    one = scores_of(errors, words)
    columns = {name: np.repeat(column, 2) for name, column in one.columns.items()}
    mixtures = columns.pop("utt")
    speakers = np.array([f"{mixture}-{row % 2}" for row, mixture in enumerate(mixtures)])
    apart, together = (ScoreTable({"utt": speakers, **columns, **uniq}) for uniq in ({}, {"uniq": mixtures}))
    metrics, widths, noted = [find_metric("wer")], [], []
    for table in (one, apart, together):
        alone = summarise(table, metrics)["total"][""]["wer"]
        pooled = pool_runs([Run(tmp_path, "a", None, 1, {"test": table})], ["test"], ["a"], metrics, ["all"])
        assert pooled["sets"]["test"]["systems"]["a"]["wer"]["all"]["interval"] == pytest.approx(alone["interval"])
        widths.append(np.diff(alone["interval"])[0])
        noted.append("100 utterances in 50 groups of utt2uniq" in results_tables(pooled, metrics)[1][0].notes[0])
    assert widths[2] == pytest.approx(widths[0]) and widths[1] < 0.85 * widths[0]
    assert noted == [False, False, True]


def test_noise_recordings_widen_the_interval_as_they_should():
    """Errors depend on ten recordings alone: drawing utterances only would miss nearly all of the uncertainty."""
    rng = np.random.default_rng(3)
    covered = {1: 0, 2: 0}
    for _ in range(60):
        rates = rng.uniform(0, 0.4, size=20)
        files = np.repeat(np.arange(20), 15)
        values = np.stack([rng.binomial(10, rates[files]), np.full(300, 10)], axis=1)
        for units in covered:
            sums = resampled_sums(values, [np.arange(300), files][:units], draws=1000)
            low, high = interval(100 * sums[:, 0] / sums[:, 1])
            covered[units] += low <= 20 <= high
    assert covered[1] < 45
    assert covered[2] >= 52


def test_rows_without_a_noise_recording_are_drawn_as_utterances_alone(tmp_path):
    """Clean utterances beside noisy ones: the value of each kind is drawn as in a set of its own."""
    rng = np.random.default_rng(6)
    errors = rng.binomial(10, np.repeat([0.1, 0.4], 300))
    files = np.concatenate([np.full(300, "-"), np.repeat([f"n{number}" for number in range(30)], 10)])
    values, kinds = np.stack([errors, np.full(600, 10)], axis=1), np.repeat([0, 1], 300)
    (drawn,) = resampled_group_sums(values, [np.arange(600), files], [kinds], draws=4000)
    rates = drawn[..., 0] / drawn[..., 1]
    for kind, units in ((0, [np.arange(300)]), (1, [np.arange(300), files[300:]])):
        alone = resampled_sums(values[kinds == kind], units, draws=4000)
        assert rates[:, kind].std() == pytest.approx((alone[:, 0] / alone[:, 1]).std(), rel=0.08)
    # As many clean utterances in each draw but for those of the utterances' own draw, of deviation sqrt(600) / 2.
    assert (drawn[:, 0, 1] / 10).std() == pytest.approx(np.sqrt(600) / 2, rel=0.08)
    scores = ScoreTable({**scores_of(errors, np.full(600, 10)).columns, "noisefile": files})
    metrics = [find_metric("wer")]
    alone = summarise(scores, metrics)["total"][""]["wer"]
    pooled = pool_runs([Run(tmp_path, "a", None, 1, {"test": scores})], ["test"], ["a"], metrics, ["all"])
    assert pooled["sets"]["test"]["systems"]["a"]["wer"]["all"]["interval"] == pytest.approx(alone["interval"])
    assert alone["interval"][1] - alone["interval"][0] < 5.0  # clean utterances as one recording's: 14


def test_identical_systems_do_not_differ():
    rng = np.random.default_rng(1)
    words = rng.integers(1, 8, size=50)
    scores = scores_of(rng.binomial(words, 0.3), words)
    comparison = difference(scores, scores)
    assert comparison["difference"] == 0
    assert comparison["interval"] == (0, 0)
    assert comparison["relative"] == 0
    assert comparison["probability_of_improvement"] == 0.5


def test_pairing_sees_a_small_steady_difference():
    """One error less in a few of many utterances that differ widely: unpaired intervals would overlap by far."""
    words = np.full(300, 10)
    errors = np.random.default_rng(2).integers(1, 10, size=300)
    better = errors - (np.arange(300) % 10 == 0)
    comparison = difference(scores_of(better, words), scores_of(errors, words))
    assert comparison["difference"] == pytest.approx(-1.0)
    low, high = comparison["interval"]
    assert -1.6 < low < -1 < high < -0.4
    assert comparison["probability_of_improvement"] == 1


def test_interval_without_any_figure():
    assert interval(np.full(1000, np.nan)) is None
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1, 1)
