"""The figure of validations' criteria: who is drawn, and what is not there."""

import json

import pytest

from nrsr.reporting.criteria_figure import draw_criteria
from nrsr.reporting.training_history import STEP, MetricsError, logged


def experiment(folder, entries):
    folder.mkdir()
    lines = [json.dumps({"step": 10 * number, "dev": dev}) for number, dev in enumerate(entries, 1)]
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_criteria_that_a_training_has_are_drawn(tmp_path):
    control = [experiment(tmp_path / f"c_seed{seed}", [{"gamma": seed, "distance": None}] * 3) for seed in (1, 2)]
    plain = experiment(tmp_path / "g_seed1", [{"distance": 2.0}] * 2)
    (tmp_path / "real_once").mkdir()
    systems = {"control": control, "plain": [plain], "real": [tmp_path / "real_once"]}
    figure = tmp_path / "figure.png"
    assert draw_criteria(systems, ["gamma", "distance", "accuracy"], figure) == ["gamma", "distance"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert draw_criteria({"real": systems["real"]}, ["gamma"], tmp_path / "none.png") == []
    assert not (tmp_path / "none.png").exists()
    assert logged(control[1], "dev", [STEP, "gamma"]) == {STEP: [10.0, 20.0, 30.0], "gamma": [2.0] * 3}


def test_a_line_without_its_step_is_damaged(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"dev": {"gamma": 1}}\n')
    with pytest.raises(MetricsError, match="line 1: damaged .KeyError"):
        logged(tmp_path, "dev", [STEP, "gamma"])
