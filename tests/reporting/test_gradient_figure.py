"""The figure of gradients over epochs: what is read from metrics.jsonl, which systems are drawn."""

import json

import pytest

from nrsr.reporting.gradient_figure import draw_gradients, gradient_history
from nrsr.reporting.training_history import MetricsError


def experiment(folder, epochs):
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"train": figures}) + "\n" for figures in epochs))
    return folder


def test_runs_with_figures_are_drawn(tmp_path):
    remedy = [{"asr": 9.0, "conflicts": 0.5, "angle": 95.0, "angle_after": 60.0, "ratio": 8.0, "rescaled": 0.9}] * 3
    runs = [experiment(tmp_path / "gr_seed1", remedy), experiment(tmp_path / "gr_seed2", remedy[:2])]
    plain = experiment(tmp_path / "mtl_seed1", [{"asr": 8.0}] * 3)
    assert gradient_history(runs[0])["angle_after"] == [60.0] * 3
    assert gradient_history(plain) == {}
    figure = tmp_path / "gradients.png"
    assert draw_gradients({"mtl": [plain]}, figure) == [] and not figure.exists()
    assert draw_gradients({"gr": runs, "mtl": [plain]}, figure) == ["gr"]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_metrics_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(MetricsError, match=r"metrics\.jsonl: no such file"):
        gradient_history(tmp_path)
    (tmp_path / "metrics.jsonl").write_text("{\n")
    with pytest.raises(MetricsError, match="damaged"):
        gradient_history(tmp_path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"train": {"angle": 1.0}}\n{"train": {}}\n', "line 2: damaged .KeyError"),
        ('{"train": 3}\n', "line 1: damaged .TypeError"),
        ("[1]\n", "line 1: damaged .TypeError"),
        ('{"dev": {}}\n', "line 1: damaged .KeyError"),
        ('{"train": {"angle": "x"}}\n', "line 1: damaged .ValueError"),
        ('{"train": {"angle": [1]}}\n', "line 1: damaged .TypeError"),
        ("[" * 100_000 + "\n", "line 1: damaged .RecursionError"),
    ],
)
def test_metrics_without_columns_are_named(tmp_path, lines, message):
    (tmp_path / "metrics.jsonl").write_text(lines)
    with pytest.raises(MetricsError, match=f"metrics.jsonl: {message}"):
        gradient_history(tmp_path)


def test_a_mean_that_was_not_finite_is_nan(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"train": {"angle": null}}\n{"train": {"angle": 2}}\n')
    assert str(gradient_history(tmp_path)["angle"]) == "[nan, 2.0]"
