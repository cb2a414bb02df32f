"""nrsr report: figures against a plain computation, runs that are missing."""

from collections import defaultdict

import numpy as np
import pytest
from toy_runs import SETS, SNRS, find_runs, only, pool_runs, wer_of, write_run


def test_figures_are_those_of_a_plain_computation(exp):
    runs, left_out = find_runs(exp, SETS)
    pooled = pool_runs(runs, SETS, ["no_se"], primary=["-5", "0"], draws=1000)
    assert left_out == []
    assert list(pooled["systems"]) == ["no_se", "mtl"]
    of_seed = {}
    for system in pooled["systems"]:
        errors, words = defaultdict(int), defaultdict(int)
        for run in runs:
            if run.system == system:
                scores = run.scores["test_seen"]
                columns = scores.label("snr"), scores.counts("sub"), scores.counts("words")
                for snr, wrong, said in zip(*columns, strict=True):
                    for key in (snr, (run.seed, snr)):
                        errors[key] += int(wrong)  # substitutions are all the errors there are
                        words[key] += int(said)
        figures = wer_of(pooled, "test_seen", system)
        wer = {key: 100 * errors[key] / words[key] for key in words}
        assert [figures[snr]["value"] for snr in SNRS] == pytest.approx([wer[snr] for snr in SNRS])
        assert figures["primary"]["value"] == pytest.approx((wer["-5"] + wer["0"]) / 2)
        of_seed[system] = [(wer[seed, "-5"] + wer[seed, "0"]) / 2 for seed in (1, 2)]
        assert figures["primary"]["seed_deviation"] == pytest.approx(np.std(of_seed[system], ddof=1))
        low, high = figures["primary"]["interval"]
        assert low < figures["primary"]["value"] < high
    comparison = only(pooled, "test_seen", "mtl")
    assert (comparison["versus"], comparison["pairs"]) == ("no_se", 4)
    difference = comparison["metrics"]["wer"]["primary"]
    assert difference["difference"] == pytest.approx(np.mean(of_seed["mtl"]) - np.mean(of_seed["no_se"]))
    assert difference["relative"] == pytest.approx(100 * difference["difference"] / np.mean(of_seed["no_se"]))
    by_seed = np.subtract(of_seed["mtl"], of_seed["no_se"])
    assert difference["seed_deviation"] == pytest.approx(np.std(by_seed, ddof=1))  # over seeds, whose folds are pooled
    assert difference["interval"][1] < 0
    assert difference["probability_of_improvement"] > 0.99
    assert [one["system"] for one in pooled["sets"]["test_seen"]["comparisons"]] == ["mtl"]
    assert list(wer_of(pooled, "test_clean", "mtl")) == ["all"]
    assert pooled["sets"]["test_seen"]["noise_recordings"] == 12


def test_a_system_without_seeds_is_paired_with_each_seed(exp):
    for fold in (0, 1):
        write_run(exp, f"gmm_fold{fold}_once", fold, 0.5)
    runs, left_out = find_runs(exp, SETS)
    pooled = pool_runs(runs, SETS, ["no_se"], draws=1000)
    assert left_out == []
    own = pooled["systems"]["gmm"]
    assert (own["runs"], own["seeds"], own["folds"], own["missing"]) == (2, [], [0, 1], [])
    assert all(other["missing"] == [] for other in pooled["systems"].values())
    figures = wer_of(pooled, "test_seen", "gmm")["primary"]
    assert figures["seed_deviation"] is None and figures["interval"][0] < figures["value"] < figures["interval"][1]
    comparison = only(pooled, "test_seen", "gmm")
    assert comparison["pairs"] == 4
    turned = only(pool_runs(runs, SETS, ["gmm"], draws=1000), "test_seen", "no_se")
    deviations = [one["metrics"]["wer"]["primary"]["seed_deviation"] for one in (comparison, turned)]
    assert deviations == pytest.approx([wer_of(pooled, "test_seen", "no_se")["primary"]["seed_deviation"]] * 2)
    alone = pool_runs([run for run in runs if run.system == "gmm"], SETS, ["no_se"], draws=1000)
    assert wer_of(alone, "test_seen", "gmm")["primary"]["value"] == pytest.approx(figures["value"])


def test_a_fold_with_untrained_systems_alone_is_lacked_as_a_whole(exp):
    for fold in (0, 1, 2):
        write_run(exp, f"gmm_fold{fold}_once", fold, 0.5, sets=SETS[: 1 + (fold < 2)])
    pooled = pool_runs(find_runs(exp, SETS)[0], SETS, ["no_se"], draws=1000)
    assert pooled["systems"]["no_se"]["missing"] == ["fold 2"]
    assert pooled["systems"]["gmm"]["missing"] == ["fold 2 on test_seen"]


def test_identical_systems_differ_by_nothing(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path, f"no_se_seed{seed}", 0, 0.3)
        (tmp_path / f"copy_seed{seed}").symlink_to(tmp_path / f"no_se_seed{seed}")
    runs, _ = find_runs(tmp_path, SETS)
    compared = only(pool_runs(runs, SETS, ["no_se"], draws=1000), "test_seen", "copy")
    for figure in (*SNRS, "primary"):
        difference = compared["metrics"]["wer"][figure]
        assert difference["difference"] == 0
        assert difference["interval"] == (0, 0)
        assert difference["probability_of_improvement"] == 0.5


def test_seeds_of_one_string_are_no_new_evidence(tmp_path):
    """Ten seeds with the same errors give the interval of one."""
    write_run(tmp_path / "one", "no_se_seed1", 0, 0.3)
    (tmp_path / "ten").mkdir()
    for seed in range(10):
        (tmp_path / "ten" / f"no_se_seed{seed}").symlink_to(tmp_path / "one" / "no_se_seed1")
    one, ten = (pool_runs(find_runs(tmp_path / name, SETS)[0], SETS, ["no_se"], draws=1000) for name in ("one", "ten"))
    figures, again = (wer_of(pooled, "test_seen", "no_se")["primary"] for pooled in (one, ten))
    assert again["interval"] == pytest.approx(figures["interval"])
    assert figures["seed_deviation"] is None
    assert again["seed_deviation"] == pytest.approx(0)


def test_missing_runs_are_named_and_not_paired(exp, nrsr_main, tmp_path):
    write_run(exp, "small_fold0_seed1", 0, 0.5)
    write_run(exp, "small_fold1_seed1", 1, 0.5, sets=["test_clean"])
    (exp / "small_fold1_seed2").mkdir()
    write_run(exp, "odd", 0, 0.5)
    sets = ",".join([*SETS, "test_unseen"])
    status, out, err = nrsr_main("report", "--exp", exp, "--sets", sets, "--draws", "1000")
    assert status == 0
    assert "small* lacks runs that other systems have: fold 0 seed 2; fold 1 seed 1 on test_seen; fold 1 seed 2." in out
    assert "test_unseen was scored for no system." in out
    assert f"{exp}/odd is left out" in err
    pooled = pool_runs(find_runs(exp, SETS)[0], SETS, ["no_se"], draws=1000)
    assert only(pooled, "test_seen", "small")["pairs"] == 1
    assert only(pooled, "test_clean", "small")["pairs"] == 2
    one = next(run for run in find_runs(exp, SETS)[0] if run.path.name == "no_se_fold0_seed1").scores["test_seen"]
    lowest = one.label("snr") == "-5"
    expected = 100 * one.counts("sub")[lowest].sum() / one.counts("words")[lowest].sum()
    found = only(pooled, "test_seen", "small")["metrics"]["wer"]["-5"]
    assert found["versus_value"] == pytest.approx(expected)


def test_baseline_of_the_same_tag(tmp_path):
    for system in ("no_se", "no_se-big", "mtl-big", "mtl-old"):
        write_run(tmp_path, f"{system}_seed1", 0, 0.3)
    pooled = pool_runs(find_runs(tmp_path, SETS)[0], SETS, ["no_se"], draws=1000)
    versus = {one["system"]: one["versus"] for one in pooled["sets"]["test_clean"]["comparisons"]}
    assert versus == {"no_se-big": "no_se", "mtl-big": "no_se-big", "mtl-old": "no_se"}


def test_several_baselines(tmp_path, nrsr_main):
    for system, rate in (("gr", 0.1), ("mtl", 0.3), ("no_se", 0.2)):
        write_run(tmp_path, f"{system}_seed1", 0, rate)
    status, out, _ = nrsr_main("report", "--exp", tmp_path, "--baseline", "no_se,mtl,gold", "--draws", "1000")
    assert status == 0
    for pair in ("gr - no_se", "mtl - no_se", "gr - mtl"):
        assert f"clean: {pair} " in out
    assert "clean: no_se - " not in out  # said already, the other way round
    assert "There is no baseline gold" in out
    runs = find_runs(tmp_path, SETS)[0]
    alone, both = (pool_runs(runs, SETS, names, draws=1000) for names in (["mtl"], ["no_se", "mtl"]))
    of_both, of_one = (
        next(
            one for one in pooled["sets"]["test_seen"]["comparisons"] if (one["system"], one["versus"]) == ("gr", "mtl")
        )
        for pooled in (both, alone)
    )
    assert of_both == of_one
