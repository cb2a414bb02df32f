"""nrsr dev-criterion: the mean of the criterion over the validations that model.pt averages."""

import json
from pathlib import Path

import pytest


def experiment(folder, values, select="errors", average=2, finished=True):
    """What the command reads of an experiment."""
    folder.mkdir()
    training = {"epochs": len(values), "average": average, "select": select}
    config = {"sample_rate": 8000, "system": {}, "loss_weights": {"asr": 1.0}, "training": training}
    config["optimiser"] = {"class": "torch.optim.Adam"}
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    lines = [json.dumps({"epoch": 1, "step": 1, "train": {}, "dev": {"loss": 9.0, "errors": one}}) for one in values]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    if finished:
        (folder / "model.pt").touch()
    return folder


def test_the_best_validations_are_averaged_and_the_best_experiment_is_first(tmp_path, nrsr_main):
    one = experiment(tmp_path / "one", [0.5, 0.1, 0.3])
    other = experiment(tmp_path / "other", [0.12, 0.14, 0.9])
    status, out, err = nrsr_main("dev-criterion", one, other)
    assert status == 0, err
    assert out == f"0.13 {other}\n0.2 {one}\n"


def test_higher_may_be_better_and_the_last_may_count(tmp_path, nrsr_main):
    highest = {"criterion": "errors", "best": "highest"}
    for name, values in (("one", [0.5, 0.1, 0.3]), ("other", [0.9, 0.6, 0.1])):
        experiment(tmp_path / name, values, select=highest)
    out = nrsr_main("dev-criterion", tmp_path / "one", tmp_path / "other")[1]
    assert out == f"0.75 {tmp_path / 'other'}\n0.4 {tmp_path / 'one'}\n"
    last = experiment(tmp_path / "last", [0.5, 0.5], select="last")
    assert nrsr_main("dev-criterion", last)[1] == f"9 {last}\n"


@pytest.mark.parametrize(("best", "lines"), [("lowest", ["1 a", "3 b"]), ("highest", ["4 b", "2 a"])])
def test_what_is_not_finite_is_last_among_validations_and_experiments(tmp_path, monkeypatch, nrsr_main, best, lines):
    monkeypatch.chdir(tmp_path)
    select = {"criterion": "errors", "best": best}
    experiment(Path("diverged"), [None, None], select)
    experiment(Path("a"), [None, 2, 1], select, average=1)
    experiment(Path("b"), [None, 3, 4], select, average=1)
    status, out, err = nrsr_main("dev-criterion", "diverged", "b", "a", "diverged")
    assert status == 0, err
    assert out.splitlines() == [*lines, "nan diverged", "nan diverged"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"finished": False}, "has no model.pt; finish its training first"),
        ({"select": "accuracy"}, "has no accuracy of the development data"),
        ({"select": "loss"}, "training.select differs between the experiments (errors, loss)"),
    ],
)
def test_what_cannot_be_compared_is_named(tmp_path, nrsr_main, changes, says):
    experiment(tmp_path / "one", [0.5])
    experiment(tmp_path / "other", [0.5], **changes)
    status, _, err = nrsr_main("dev-criterion", tmp_path / "one", tmp_path / "other")
    assert status == 1 and says in err
