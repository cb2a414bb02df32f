"""nrsr report --systems, and the figure of what systems gain over a baseline."""

import pytest
from toy_runs import SETS, pool_runs, write_run

from nrsr.reporting.gain_figure import draw_gain
from nrsr.scoring import experiments, find_metric


@pytest.fixture
def scored(tmp_path):
    """A baseline and two systems at two tags, one of them at one tag alone, and a trial that nobody asks for."""
    for name, worse in {
        "single-few": 0.5,
        "single-all": 0.3,
        "amtl-few": 0.2,
        "amtl-all": 0.3,
        "both-all": 0.1,
    }.items():
        write_run(tmp_path / "exp", f"{name}_seed1", 0, worse)
    write_run(tmp_path / "exp", "trial-few_seed1", 0, 0.9)
    return tmp_path / "exp"


def test_points_are_the_paired_differences(scored, tmp_path, monkeypatch):
    runs, _ = experiments.find_runs(scored, SETS, find_metric("wer"))
    pooled = pool_runs(runs, SETS, ["single", "amtl"])
    drawn = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.errorbar", lambda panel, places, values, yerr, **_: drawn.append((values, yerr)) or panel
    )
    monkeypatch.setattr("matplotlib.figure.Figure.legend", lambda *_, **__: None)
    assert draw_gain(pooled, find_metric("wer"), tmp_path / "gain.svg", ["few", "all"], "single")
    expected = {
        (comparison["system"], comparison["versus"]): comparison["metrics"]["wer"]["all"]
        for comparison in pooled["sets"]["test_clean"]["comparisons"]
    }
    values, (below, above) = drawn[0]  # amtl on clean speech
    for place, tag in enumerate(("few", "all")):
        one = expected[f"amtl-{tag}", f"single-{tag}"]
        assert values[place] == one["difference"]
        assert [values[place] - below[place], values[place] + above[place]] == pytest.approx(one["interval"])
    assert values[0] < 0  # fewer errors than the baseline
    assert drawn[1][0] == [expected["both-all", "single-all"]["difference"]]  # no point where it was not run


def test_the_report_draws_it_and_leaves_out_other_systems(scored, tmp_path, nrsr_main):
    command = ["report", "--exp", scored, "--sets", ",".join(SETS), "--draws", 1000, "--baseline", "single"]
    tags = ["--columns", "few,all", "--gain-figure", tmp_path / "gain.png"]
    status, out, err = nrsr_main(*command, *tags, "--systems", "single-*,amtl-*", "--out", tmp_path / "R.md")
    assert status == 0, err
    assert (tmp_path / "gain.png").stat().st_size > 5000
    assert "trial" not in (tmp_path / "R.md").read_text() + out and "amtl" in out
    status, out, err = nrsr_main(*command, "--systems", "single-*,amlt-*")
    assert status == 0 and "--systems amlt-*: no system matches" in err and "amtl" not in out
    status, _, err = nrsr_main(*command, "--systems", "amlt-*")
    assert status == 1 and "--systems amlt-*: no system matches; there are amtl-all, amtl-few" in err


def test_no_figure_without_the_baseline_at_a_tag(scored, tmp_path, nrsr_main):
    command = ["report", "--exp", scored, "--sets", ",".join(SETS), "--draws", 1000, "--columns", "few,all"]
    status, _, err = nrsr_main(*command, "--baseline", "none", "--gain-figure", tmp_path / "gain.png")
    assert status == 0 and "gain.png is not drawn" in err
    assert not (tmp_path / "gain.png").exists()
