"""nrsr report of enhanced speech: utterances that lag or have no value, sizes and settings of trained enhancers."""

import json

import numpy as np
import pytest
from toy_runs import SETS, UTTERANCES, write_run

from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.scoring import write_table
from nrsr.scoring.table import ScoreTable
from nrsr.systems import build_system


def score_quality(run, stoi, lags=None, test_set="test_seen"):
    """Scores as `nrsr score-se` writes them."""
    folder = run / f"enhance_{test_set}/score"
    metrics = {"stoi": np.asarray(stoi), "si_sdr": np.arange(float(len(UTTERANCES)))}
    write_table(ScoreTable({"utt": np.array(UTTERANCES), **metrics}), folder / "scores.tsv")
    (folder / "scores.json").write_text(json.dumps({"rate": 8000, "lags": lags or {}}))


def some(defined):
    """A value for the first utterances, none for the rest."""
    return np.where(np.arange(len(UTTERANCES)) < defined, 0.5, np.nan)


@pytest.fixture
def report(nrsr_main, tmp_path):
    def run(*options):
        command = ("report", "--exp", tmp_path, "--sets", "test_seen", "--baseline", "noisy", "--draws", 1000)
        status, out, err = nrsr_main(*map(str, (*command, *options)))
        assert status == 0, err
        return out

    return run


def test_systems_with_lags_are_named_below_the_quality_table(report, tmp_path):
    for seed, late in ((1, {"s0-000": 40, "s1-001": -3}), (2, {"s0-000": 40})):
        score_quality(tmp_path / f"slow_seed{seed}", some(40), {"estimate": late})
    score_quality(tmp_path / "noisy_once", some(40))
    out = report("--metric", "stoi", "--primary", "all")
    expected = (
        "test_seen: the estimate is later or earlier than the clean speech, and was scored as it is, in 3 of 80 "
        "utterances of slow; scores.json of a run lists them.\n"
    )
    assert expected in out[out.rindex("system ") :]
    for seed in (1, 2):
        score_quality(tmp_path / f"slow_seed{seed}", some(40))
    assert "later or earlier" not in report("--metric", "stoi", "--primary", "all")
    (tmp_path / "noisy_once/enhance_test_seen/score/scores.json").write_text("{")
    with pytest.raises(AssertionError, match=r"enhance_test_seen/score/scores.json: .*; score the set again"):
        report("--metric", "stoi", "--primary", "all")


def test_the_number_of_utterances_is_noted_where_a_metric_lacks_some(report, tmp_path):
    for name, defined in {"noisy_once": 38, "mask_seed1": 38, "mask_seed2": 38}.items():
        score_quality(tmp_path / name, some(defined))
    assert "\ntest_seen: STOI is over 38 of 40 utterances; the others have no value.\n" in report("--metric", "stoi")
    score_quality(tmp_path / "mask_seed2", some(37))
    out = report("--metric", "stoi")
    assert "STOI is over 37 of 40 utterances (mask), 38 of 40 utterances (noisy); the others" in out
    assert "SI-SDR is over" not in out
    for name in ("noisy_once", "mask_seed1", "mask_seed2"):
        score_quality(tmp_path / name, some(40))
    assert "utterances; the others" not in report("--metric", "stoi")


def test_sizes_and_settings_of_enhancers_stand_in_the_tables_of_another_stage(report, tmp_path):
    sizes = {}
    for name, width in (("wide", 8), ("slim", 4)):
        frontend = {"class": "nrsr.frontends.MaskBlstm", "width": width, "layers": 1}
        config = {"sample_rate": 8000, "system": {"class": "nrsr.systems.Enhancement", "frontend": frontend}}
        run = tmp_path / f"{name}_seed1"
        score_quality(run, some(40))
        save_yaml(config, run / "config.yaml")
        system = build_system(config)
        save_checkpoint(run / "model.pt", {"model": system.state_dict()})
        sizes[name] = sum(parameter.numel() for parameter in system.parameters())
        write_run(tmp_path, f"{name}-clean_seed1", 0, 0.3, sets=SETS)
    score_quality(tmp_path / "noisy_once", some(40))
    out = report("--also", "stoi", "--primary", "all")
    measured = out[out.index("What was measured: STOI") :]
    rows = [line.split()[:3] for line in measured.splitlines()[2:5]]
    assert rows == [
        ["noisy", "-", "1"],
        ["slim", f"{sizes['slim'] / 1e6:.2f}", "M"],
        ["wide", f"{sizes['wide'] / 1e6:.2f}", "M"],
    ]
    assert "Setting system.frontend.width: slim `4`; wide `8`." in out
