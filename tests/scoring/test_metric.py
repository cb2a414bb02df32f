"""Metrics: those of the package by name, and one that is defined wholly outside it, from scoring to the report."""

import importlib
import json
import sys

import numpy as np
import pytest

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring import MetricError, ScoreTable, find_metric, summarise
from nrsr.scoring.metric import package_metrics

# Emotions: mean recall of the classes and macro-F1, functions of pooled counts; and how far a number is off, a mean.
OUTSIDE = """
import numpy as np
from nrsr.scoring import Metric, UndefinedMeasure, mean_metric, ratio


def counts(table):
    said, found = table.columns["reference"], table.columns["hypothesis"]
    classes = sorted({*said.tolist(), *found.tolist()} - {"-"})
    columns = {}
    for name in classes:
        for what, rows in (("hit", (said == name) & (found == name)), ("said", said == name), ("found", found == name)):
            columns[f"{what} {name}"] = table.summed(rows)
    return columns


def classes_of(sums):
    return [name.removeprefix("said ") for name in sums if name.startswith("said ")]


def recalls(sums):
    values = [ratio(sums[f"hit {name}"], sums[f"said {name}"]) for name in classes_of(sums)]
    return 100 * np.nanmean(values, axis=0)


def macro_f1(sums):
    values = [ratio(2 * sums[f"hit {name}"], sums[f"said {name}"] + sums[f"found {name}"]) for name in classes_of(sums)]
    return 100 * np.nanmean(values, axis=0)


def pair(reference, hypothesis):
    return reference, hypothesis


LABELS = ("reference", "hypothesis")
UA = Metric("ua", "UA", "higher", LABELS, pair, counts, recalls, unit="%", meaning="mean of the recalls")
F1 = Metric("f1", "macro-F1", "higher", LABELS, pair, counts, macro_f1, unit="%")


def off(reference, hypothesis):
    if not reference:
        raise UndefinedMeasure("nothing to count")
    return float(abs(int(reference) - int(hypothesis)))


BEEPS = mean_metric("beeps_off", "beeps off", "lower", off, digits=1)
NO_METRIC = 5
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "outside_task.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path / "local")
    yield "outside_task"
    sys.modules.pop("outside_task", None)


def test_a_file_is_a_metric():
    found = package_metrics()
    assert {"wer", "cer", "si_snr", "sdr", "pesq", "stoi"} <= found.keys()
    for name, metric in found.items():
        assert metric.name == name and find_metric(name).title == metric.title
    improvement = find_metric("si_snr_i")
    assert (improvement.title, improvement.columns, improvement.unit) == ("SI-SNRi", ("si_snr_i",), "dB")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "werr",
            "there is no metric werr; there are accuracy, cer, diversity, frame_accuracy, frechet, inception, llr",
        ),
        ("outside_task.NOTHING", "has no attribute"),
        ("no_such_module.METRIC", "No module named"),
        ("outside_task.NO_METRIC", "is of type int; give module.NAME of a nrsr.scoring.Metric"),
    ],
)
def test_what_is_no_metric_is_named(outside, name, message):
    with pytest.raises(MetricError, match=message):
        find_metric(name)


def test_a_metric_of_whole_sets_measures_no_pair():
    with pytest.raises(MetricError, match="Fréchet distance is of a whole set .*; nrsr score-gen computes it"):
        find_metric("frechet").measure("a", "b")
    assert find_metric("accuracy").measure("one", "one") == (100.0,) and not find_metric("frechet").same_data


def test_functions_of_pooled_counts(outside):
    said = ["joy", "joy", "joy", "rage", "rage", "calm"]
    found = ["joy", "joy", "rage", "rage", "calm", "calm"]
    ids = np.array([f"u{number}" for number in range(6)])
    table = ScoreTable({"utt": ids, "reference": np.array(said), "hypothesis": np.array(found)})
    total = summarise(table, [find_metric(f"{outside}.UA"), find_metric(f"{outside}.F1")], draws=1000)["total"][""]
    assert total["ua"]["value"] == pytest.approx(100 * np.mean([2 / 3, 1 / 2, 1]))
    assert total["f1"]["value"] == pytest.approx(100 * np.mean([4 / 5, 2 / 4, 2 / 3]))
    low, high = total["ua"]["interval"]
    assert low < total["ua"]["value"] < high


def write_lists(folder, name, rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{key} {value}\n" for key, value in rows.items()))
    return folder / name


def test_a_metric_outside_the_package_goes_to_the_report(outside, nrsr_main, tmp_path):
    """Seeds are pooled by their counts: the recall of all runs, and not the mean of recalls."""
    classes = ["joy", "rage", "rage", "calm"]
    said = {f"u{number:02d}": classes[number % 4] for number in range(20)}
    right = {"weak_seed1": 8, "weak_seed2": 12, "strong_seed1": 16, "strong_seed2": 20}
    for run, hits in right.items():
        found = {name: own if number < hits else "joy" for number, (name, own) in enumerate(said.items())}
        reference, hypothesis = (
            write_lists(tmp_path / "data", "emotion", said),
            write_lists(tmp_path / "exp" / run / "classify_test", "emotion", found),
        )
        out = hypothesis.parent / "score"
        status, printed, err = nrsr_main("score", "--metric", f"{outside}.UA,{outside}.F1", "--out", out, reference,
                                         hypothesis)  # fmt: skip
        assert status == 0, err
        assert "macro-F1" in printed
    assert json.loads((out / "scores.json").read_text())["total"]["ua"] == 100
    status, printed, err = nrsr_main("report", "--exp", tmp_path / "exp", "--metric", f"{outside}.UA,{outside}.F1",
                                     "--sets", "test", "--baseline", "weak")  # fmt: skip
    assert status == 0, err
    recall = {"joy": 10 / 10, "rage": (4 + 6) / 20, "calm": (2 + 3) / 10}
    lines = [line.split() for line in printed.splitlines()]
    assert ["weak", f"{100 * np.mean(list(recall.values())):.2f}"] in [line[:2] for line in lines]
    assert "UA: mean of the recalls." in printed
    assert "Above 0: better than the second system." in printed
    assert any(line[:4] == ["test:", "strong", "-", "weak"] and line[-2:] == ["1.000", "2"] for line in lines)


def test_what_has_no_value_is_told(outside, nrsr_main, tmp_path):
    reference = write_lists(tmp_path, "ref", {"a": 3, "b": "", "c": 5})
    hypothesis = write_lists(tmp_path, "hyp", {"a": 1, "b": 4, "c": 6})
    command = ("score", "--metric", f"{outside}.BEEPS", "--out", tmp_path / "score", reference, hypothesis)
    status, printed, err = nrsr_main(*command)
    assert status == 0 and "1 of 3 utterances have no beeps off" in err
    assert "\nall           3  1.5 [" in printed
    assert (tmp_path / "score" / "scores.tsv").read_text().splitlines()[2].split("\t")[-1] == "-"
    better = write_lists(tmp_path, "better", {"a": 3, "b": 9, "c": 6})
    status, printed, _ = nrsr_main(*command, "--versus", better)
    assert status == 0 and "beeps off +1.0 [" in " ".join(printed.split())
    assert "(below 0: better than it)" in printed


def test_signals_are_scored_against_one_another(nrsr_main, tmp_path):
    rng = np.random.default_rng(0)
    clean = {f"u{number}": np.float32(rng.uniform(-0.2, 0.2, 2000 + 100 * number)) for number in range(3)}
    noise = {name: np.float32(0.1 * rng.normal(size=len(wave))) for name, wave in clean.items()}
    for folder, loud in (("data", 0.0), ("enhanced", 0.1), ("short", 0.1)):
        with WaveWriter(tmp_path / folder / "w.ark", tmp_path / folder / "wav.scp", 8000) as writer:
            for name, wave in clean.items():
                writer[name] = (wave + loud * noise[name])[: 1900 if folder == "short" else None]
        write_list(tmp_path / folder / "utt2spk", {name: name for name in clean})
    paths = [tmp_path / folder / "wav.scp" for folder in ("data", "enhanced", "short")]
    status, printed, err = nrsr_main("score", "--metric", "si_snr,sdr", *paths[:2])
    assert status == 0, err
    assert nrsr_main("score", "--metric", "si_snr,sdr", "--nj", 2, *paths[:2])[1] == printed
    expected = np.mean([20 + 20 * np.log10(np.std(clean[name]) / np.std(noise[name])) for name in clean])
    assert float(printed.splitlines()[1].split()[2]) == pytest.approx(expected, abs=0.5)
    status, _, err = nrsr_main("score", "--metric", "si_snr", paths[0], paths[2])
    assert status == 1 and "u0: 1900 samples beside 2000 of the reference" in err
    status, _, err = nrsr_main("score", "--metric", "si_snr,wer", *paths[:2])
    assert status == 1 and "some compare texts, some others" in err


LEVEL = '''
"""How far the level of the estimate is off, in dB."""

import numpy as np

from nrsr.scoring import mean_metric


def level(source, estimate, rate):
    return float(abs(20 * np.log10(np.std(estimate) / np.std(source))))


METRIC = mean_metric("level", "level", "lower", level, unit="dB", takes="waves")
'''


def test_a_new_file_in_the_folder_is_all_that_a_metric_needs(nrsr_main, tmp_path, monkeypatch):
    """score-sep measures it, with its improvement over the mixture, and the report shows both."""
    (tmp_path / "level.py").write_text(LEVEL)
    folder = importlib.import_module("nrsr.scoring.metrics")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    rng = np.random.default_rng(0)
    waves = {name: np.float32(rng.uniform(-0.1, 0.1, 2000)) for name in ("wav", "spk1", "spk2")}
    exp = tmp_path / "exp" / "a_seed1" / "separate_test"
    for place, parts in ((tmp_path / "data", waves), (exp, {"spk1": waves["spk1"], "spk2": 2 * waves["spk2"]})):
        for part, wave in parts.items():
            with WaveWriter(place / f"{part}.ark", place / f"{part}.scp", 8000, bits=32) as writer:
                writer["m1"] = wave
        write_list(place / "utt2spk", {"m1": "m1"})
    options = ("--data", tmp_path / "data", "--estimates", exp, "--measures", "si_snr,level", "--out", exp / "score")
    status, printed, err = nrsr_main("score-sep", *options)
    assert status == 0, err
    assert "leveli" in printed
    shown = ("--exp", tmp_path / "exp", "--sets", "test", "--metric", "level,level_i", "--primary", "all")
    status, printed, err = nrsr_main("report", *shown, "--baseline", "a")
    assert status == 0, err
    values = printed.splitlines()[-3].split()
    assert values[0] == "a" and float(values[1]) == pytest.approx(np.mean([0.0, 20 * np.log10(2)]), abs=0.01)
    sys.modules.pop("nrsr.scoring.metrics.level")
    (tmp_path / "level.py").write_text("METRIC = 3\n")
    for found in (lambda: find_metric("level"), package_metrics):
        with pytest.raises(MetricError, match="level.py: defines no METRIC"):
            found()
    assert find_metric("wer").title == "WER"  # loads no other file
    sys.modules.pop("nrsr.scoring.metrics.level")
