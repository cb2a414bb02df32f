"""nrsr report: figures against a plain computation, runs that are missing, marks of the results file."""

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from nrsr.config import save_yaml
from nrsr.data.units import Units
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.scoring import ExperimentsError, experiments, find_metric, pooling, score_texts, write_table
from nrsr.systems import build_system

SETS = ["test_clean", "test_seen"]
DIGITS = ["one", "two", "three", "four", "five"]
SNRS = ["-5", "0", "5", "10"]
UTTERANCES = [f"s{number % 3}-{number:03d}" for number in range(40)]


def write_run(folder: Path, name: str, fold: int, worse: float, sets=SETS, config: str | None = None) -> None:
    """One experiment: strings depend on nothing, noises on the fold, errors on the name."""
    strings, heard_by = random.Random(0), random.Random(name)
    said = {utterance: " ".join(strings.choices(DIGITS, k=strings.randint(1, 6))) for utterance in UTTERANCES}
    for test_set in sets:
        labels = {"spk": {utterance: utterance[:2] for utterance in said}}
        if test_set != "test_clean":
            noises = random.Random(fold)
            labels["noisefile"] = {utterance: f"n{fold}{noises.randrange(6)}" for utterance in said}
            labels["snr"] = {utterance: SNRS[number % 4] for number, utterance in enumerate(said)}
        heard = {
            utterance: " ".join("oh" if heard_by.random() < worse else word for word in text.split())
            for utterance, text in said.items()
        }
        write_table(score_texts(said, heard, labels), folder / name / f"decode_{test_set}/score/scores.tsv")
    (folder / name).mkdir(parents=True, exist_ok=True)
    if config:
        (folder / name / "config.yaml").write_text(config)


def find_runs(folder, sets):
    return experiments.find_runs(folder, sets, find_metric("wer"))


def pool_runs(runs, sets, baselines, primary=("-5", "0", "5"), draws=1000):
    return pooling.pool_runs(runs, sets, baselines, [find_metric("wer")], primary, draws)


def wer_of(pooled, test_set, system):
    return pooled["sets"][test_set]["systems"][system]["wer"]


@pytest.fixture
def exp(tmp_path):
    folder = tmp_path / "exp"
    for fold in (0, 1):
        for seed in (1, 2):
            write_run(folder, f"no_se_fold{fold}_seed{seed}", fold, 0.4)
            write_run(folder, f"mtl_fold{fold}_seed{seed}", fold, 0.2)
    return folder


def only(pooled, test_set, system):
    """The system's one comparison on a test set."""
    (found,) = [one for one in pooled["sets"][test_set]["comparisons"] if one["system"] == system]
    return found


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
    alone = pool_runs([run for run in runs if run.system == "gmm"], SETS, ["no_se"], draws=1000)
    assert wer_of(alone, "test_seen", "gmm")["primary"]["value"] == pytest.approx(figures["value"])


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


def test_results_file(exp, nrsr_main, tmp_path):
    config = "seed: {}\nloss_weights: {{asr: {}}}\nsystem: {{width: 8, frontend: {{class: {}}}}}\n"
    write_run(exp, "no_se_fold0_seed1", 0, 0.4, config=config.format(1, "1.0", "a.Null"))
    write_run(exp, "mtl_fold0_seed1", 0, 0.2, config=config.format(2, "0.7", "a.Mask, b: 1"))
    (exp / "mtl_fold0_seed1" / "versions.txt").write_text("python 3.11\ngit 0123456789abcdef\ngpu none\n")
    results = tmp_path / "RESULTS.md"
    results.write_text(
        "# Title\n\nbefore\n\n<!-- nrsr report: begin -->\noutdated\n<!-- nrsr report: end -->\n\nafter\n"
    )
    command = ("report", "--exp", exp, "--sets", ",".join(SETS), "--out", results, "--draws", "1000")
    status, out, err = nrsr_main(*command)
    assert status == 0
    text = results.read_text()
    small = "**WER in %**\n\n| system | clean | seen |\n"
    assert text.startswith("# Title\n\nbefore\n\n<!-- nrsr report: begin -->\n" + small)
    assert text.endswith("<!-- nrsr report: end -->\n\nafter\n")
    assert "outdated" not in text
    assert text.index("| system | clean | seen |") < text.index("Measured: ") < text.index("with 95 % intervals**")
    assert "| system | -5 dB | 0 dB | 5 dB | 10 dB |" in text.splitlines()
    assert "trained at commit 0123456789, GPU none" in text
    assert "Setting loss_weights.asr: no_se `1.0`; mtl `0.7`." in text
    assert "Setting system.frontend: no_se `{class: a.Null}`; mtl `{class: a.Mask, b: 1}`." in text
    assert "width" not in text
    assert "Setting seed" not in text
    assert "parameters of mtl_fold0_seed1 are not counted" in err
    # The terminal ends with the small table, with the numbers of the file.
    row = next(line for line in text.splitlines() if line.startswith("| mtl |"))
    assert row.strip("| ").replace(" | ", " ").split() in [line.split() for line in out.splitlines()[-6:]]
    nrsr_main(*command)
    assert results.read_text() == text


def test_parameters_are_counted(nrsr_main, tmp_path):
    config = {
        "sample_rate": 8000,
        "units": {"kind": "word"},
        "system": {
            "class": "nrsr.systems.JointAsr",
            "frontend": {"class": "nrsr.frontends.Identity"},
            "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 20},
            "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 8},
        },
    }
    write_run(tmp_path, "no_se_seed1", 0, 0.3)
    units = Units.from_text(DIGITS, "word")
    units.save(tmp_path / "no_se_seed1" / "units")
    save_yaml(config, tmp_path / "no_se_seed1" / "config.yaml")
    system = build_system(config, len(units))
    save_checkpoint(tmp_path / "no_se_seed1" / "model.pt", {"model": system.state_dict()})
    status, out, err = nrsr_main("report", "--exp", tmp_path, "--draws", "1000")
    assert (status, err) == (0, "")
    count = sum(parameter.numel() for parameter in system.parameters())
    assert f"{count / 1e6:.2f} M" in out


@pytest.mark.parametrize(
    "content", ["<!-- nrsr report: begin -->\n", "<!-- nrsr report: end --><!-- nrsr report: begin -->"]
)
def test_broken_marks_leave_the_file_alone(exp, nrsr_main, tmp_path, content):
    results = tmp_path / "RESULTS.md"
    results.write_text(content)
    status, _, err = nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")
    assert status == 1
    assert str(results) in err
    assert err.splitlines()[-1].startswith("nrsr report: ")
    assert results.read_text() == content


def test_file_without_marks_keeps_its_text(exp, nrsr_main, tmp_path):
    results = tmp_path / "new" / "RESULTS.md"
    assert nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")[0] == 0
    assert results.read_text().startswith("# Results\n\n<!-- nrsr report: begin -->\n")
    results.write_text("mine\n")
    assert nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")[0] == 0
    assert results.read_text().startswith("mine\n\n<!-- nrsr report: begin -->\n")


def test_figure(exp, nrsr_main, tmp_path):
    command = ("report", "--exp", exp, "--draws", "1000", "--figure", tmp_path / "wer.png")
    assert nrsr_main(*command)[0] == 0
    assert (tmp_path / "wer.png").read_bytes().startswith(b"\x89PNG")
    status, _, err = nrsr_main(*command[:-1], tmp_path / "clean.png", "--sets", "test_clean")
    assert status == 0
    assert "is not drawn" in err
    assert not (tmp_path / "clean.png").exists()


def test_no_baseline_and_no_primary_are_said(exp, nrsr_main):
    status, out, _ = nrsr_main("report", "--exp", exp, "--baseline", "gold", "--primary", "-10,0", "--draws", "1000")
    assert status == 0
    assert "There is no baseline gold" in out
    assert "test_seen has no primary figure: it has the SNRs -5, 0, 5, 10 dB." in out


def test_nothing_scored(nrsr_main, tmp_path):
    (tmp_path / "no_se_seed1").mkdir()
    status, _, err = nrsr_main("report", "--exp", tmp_path)
    assert status == 1
    assert "nrsr score-wer" in err


def test_runs_of_other_test_data_are_refused(tmp_path):
    write_run(tmp_path, "a_fold0_seed1", 0, 0.3)
    write_run(tmp_path, "b_fold0_seed1", 1, 0.3)  # the noises of fold 1 under the name of fold 0
    with pytest.raises(ExperimentsError, match="b_fold0_seed1/decode_test_seen"):
        find_runs(tmp_path, SETS)
