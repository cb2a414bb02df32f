"""nrsr report --columns: a row for each NAME of the systems NAME-TAG, columns and panels for the tags."""

import re

import numpy as np
import pytest
from toy_runs import SETS, only, pool_runs, write_run

from nrsr.scoring import experiments, find_metric, read_table, write_table
from nrsr.scoring.table import ScoreTable


@pytest.fixture
def recognised(tmp_path):
    """Two enhancers and none, two recognisers, and one that was retrained for one of the enhancers; two seeds."""
    folder = tmp_path / "exp"
    for seed in (1, 2):
        for name, worse in {"noisy-clean": 0.6, "noisy-fit": 0.3, "filter-clean": 0.4, "filter-fit": 0.5}.items():
            write_run(folder, f"{name}_seed{seed}", 0, worse)
        write_run(folder, f"mask-small-clean_seed{seed}", 0, 0.2)
    return folder


def report(nrsr_main, folder, *options):
    command = ["report", "--exp", folder, "--sets", ",".join(SETS), "--baseline", "noisy", "--draws", 1000, *options]
    return nrsr_main(*map(str, command))


def wer(folder, run, test_set):
    table = read_table(folder / run / f"decode_{test_set}/score/scores.tsv")
    return 100 * table.counts("sub").sum() / table.counts("words").sum()


def test_the_small_table_has_a_column_for_each_tag_and_set(recognised, nrsr_main, tmp_path):
    options = ["--columns", "clean,fit", "--out", tmp_path / "RESULTS.md", "--figure", tmp_path / "snr.svg"]
    status, out, err = report(nrsr_main, recognised, *options, "--primary", "all")
    assert status == 0, err
    small = (tmp_path / "RESULTS.md").read_text().partition("**WER in %**")[2].partition("\n- ")[0]
    header, _, *rows = (line.split(" | ") for line in small.strip().splitlines())
    assert "".join(header) == "| systemclean: cleanclean: seenfit: cleanfit: seen |"
    cells = {row[0].removeprefix("| "): [cell.removesuffix(" |") for cell in row[1:]] for row in rows}
    assert list(cells) == ["noisy", "filter", "mask-small"]
    assert cells["mask-small"][2:] == ["-", "-"]
    both = [wer(recognised, f"filter-fit_seed{seed}", "test_clean") for seed in (1, 2)]  # the same words in both
    assert float(cells["filter"][2]) == pytest.approx(sum(both) / 2, abs=0.006)
    drawn = re.findall("<!-- (.*) -->", (tmp_path / "snr.svg").read_text())
    assert [text for text in drawn if text in ("clean: test_seen", "fit: test_seen")] == [
        "clean: test_seen",
        "fit: test_seen",
    ]
    assert [drawn.count(name) for name in ("noisy", "filter", "mask-small")] == [1, 1, 1]


def test_systems_are_compared_with_the_baseline_of_their_last_tags(recognised):
    runs, _ = experiments.find_runs(recognised, SETS, find_metric("wer"))
    pooled = pool_runs(runs, SETS, ["noisy"])
    assert only(pooled, "test_seen", "filter-fit")["versus"] == "noisy-fit"
    assert only(pooled, "test_seen", "mask-small-clean")["versus"] == "noisy-clean"
    assert {one["system"] for one in pooled["sets"]["test_seen"]["comparisons"]} == {
        *("filter-clean", "filter-fit", "mask-small-clean")
    }


def test_tags_that_no_system_has_are_refused(recognised, nrsr_main):
    status, _, err = report(nrsr_main, recognised, "--columns", "dirty")
    assert status == 1
    assert "--columns dirty: " in err and "has no system with such a tag" in err


def test_metrics_of_another_stage_share_tables_and_those_that_are_not_everywhere_are_named(
    recognised, nrsr_main, tmp_path
):
    for name in ("noisy_once", "filter_once"):
        labels = read_table(recognised / "noisy-fit_seed1/decode_test_seen/score/scores.tsv").columns
        columns = {label: labels[label] for label in ("utt", "spk", "noisefile", "snr")}
        for number, metric in enumerate(["stoi", "si_snr", "pesq"][: 2 if name == "noisy_once" else 3]):
            columns[metric] = np.full(len(labels["utt"]), number + 0.5)
        write_table(ScoreTable(columns), recognised / name / "enhance_test_seen/score/scores.tsv")
    status, _, err = report(
        nrsr_main, recognised, *("--also", "stoi,pesq,si_snr"), *("--columns", "clean"), *("--out", tmp_path / "R.md")
    )
    assert status == 0, err
    assert "PESQ is left out: not all runs were scored with it" in err
    text = (tmp_path / "R.md").read_text()
    quality = text[text.index("| system | seen STOI | seen SI-SNR |") :]
    assert "| filter | 0.5000 | 1.50 |" in quality and "seen: filter - noisy" in quality
    assert "was scored for no system" not in quality
