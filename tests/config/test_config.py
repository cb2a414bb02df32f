"""Configs: bases, overrides, slots, and one-line errors."""

import pytest
import torch

from nrsr.config import ConfigError, build, check_keys, load_yaml, save_yaml
from nrsr.training.schedules import Schedule


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_without_a_dot_are_numbers(tmp_path):
    config = load_yaml(write(tmp_path / "a.yaml", "lr: 2e-3\nname: 2e-3x\nsteps: 25\n"))
    assert config == {"lr": 0.002, "name": "2e-3x", "steps": 25}


def test_overrides_replace_and_add(tmp_path):
    config = load_yaml(write(tmp_path / "a.yaml", "a: {b: 1, c: 2}\n"), ["a.b=[3, x]", "d.e=1e-4"])
    assert config == {"a": {"b": [3, "x"], "c": 2}, "d": {"e": 1e-4}}


def test_a_base_is_merged_key_by_key_but_a_class_whole(tmp_path):
    write(tmp_path / "base.yaml", "x: {p: 1, q: 2}\nslot: {class: a.A, size: 3}\nkept: yes\n")
    over = write(tmp_path / "over.yaml", "base: base.yaml\nx: {q: 5}\nslot: {class: b.B}\n")
    assert load_yaml(over) == {"x": {"p": 1, "q": 5}, "slot": {"class": "b.B"}, "kept": True}


def test_of_several_bases_each_goes_over_those_before_it(tmp_path):
    write(tmp_path / "first.yaml", "x: {p: 1, q: 2}\nslot: {class: a.A, size: 3}\n")
    (tmp_path / "shared").mkdir()
    write(tmp_path / "shared/second.yaml", "base: ../first.yaml\nx: {q: 5, r: 6}\n")
    write(tmp_path / "shared/third.yaml", "slot: {class: b.B}\ny: 1\n")
    over = write(tmp_path / "over.yaml", "base: [first.yaml, shared/second.yaml, shared/third.yaml]\ny: 2\n")
    assert load_yaml(over) == {"x": {"p": 1, "q": 5, "r": 6}, "slot": {"class": "b.B"}, "y": 2}
    assert load_yaml(over, ["x.p=7"])["x"]["p"] == 7


def test_an_override_leaves_other_uses_of_an_anchor_unchanged(tmp_path):
    path = write(tmp_path / "a.yaml", "a: &x {lr: 1, betas: &b [1, 2]}\nb: *x\nc: {d: [*x, *b]}\n")
    config = load_yaml(path, ["b.lr=2"])
    assert config["b"]["lr"] == 2 and config["a"]["lr"] == config["c"]["d"][0]["lr"] == 1
    assert config["a"]["betas"] is not config["c"]["d"][1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base: [a.yaml]\n", "own base"),
        ("base: [{a: 1}]\n", "is no file"),
        ("base: 3\n", "is no file"),
        ("a: 1\na: 2\n", "'a' appears twice"),
        ("a: [1\n", "a.yaml:2: not readable as YAML: expected"),
        ("- a\n", "top level"),
        ("", "top level"),
        ("base: a.yaml\n", "own base"),
        ("base: nowhere.yaml\n", "a.yaml: its base .*nowhere.yaml is no file"),
    ],
)
def test_bad_files_are_named(tmp_path, text, says):
    with pytest.raises(ConfigError, match=says) as caught:
        load_yaml(write(tmp_path / "a.yaml", text))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("override", ["a", "a.b=1", "a=[1", "a={b: 1, b: 2}"])
def test_bad_overrides_are_named(tmp_path, override):
    with pytest.raises(ConfigError, match="--set"):
        load_yaml(write(tmp_path / "a.yaml", "a: 1\n"), [override])


def test_saved_configs_read_back(tmp_path):
    content = {"lr": 2e-3, "small": 1e-10, "text": "é", "list": [1, None, True]}
    save_yaml(content, tmp_path / "a.yaml")
    assert load_yaml(tmp_path / "a.yaml") == content


PARAMETERS = [torch.nn.Parameter(torch.zeros(2))]


def test_build_makes_the_object():
    built = build({"class": "torch.optim.AdamW", "lr": 0.5}, torch.optim.Optimizer, "optimiser", params=PARAMETERS)
    assert isinstance(built, torch.optim.AdamW)
    assert built.defaults["lr"] == 0.5


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"class": "nrsr.config.ConfigError"}, "which this slot takes"),
        ({"class": "torch.nn.NoSuch"}, "NoSuch"),
        ({"class": "torch.optim.NoSuch"}, "NoSuch"),
        ({"class": "torch.no_such_module.Thing"}, "cannot import"),
        ({"class": "torch.optim.AdamW", "lr": 10**8}, "lr: 100000000 lies beyond"),
        ({"class": "torch.optim.AdamW", "rate": 1}, "rate"),
        ({"class": "torch.optim.AdamW", "params": []}, "set by the program"),
        ({"lr": 1}, "'class'"),
        ("torch.optim.AdamW", "expected a mapping"),
    ],
)
def test_build_refuses_what_does_not_fit_its_slot(spec, says):
    with pytest.raises(ConfigError, match=says) as caught:
        build(spec, torch.optim.Optimizer, "optimiser", params=PARAMETERS)
    assert str(caught.value).startswith("optimiser")


def test_a_class_that_lacks_a_method_is_named():
    with pytest.raises(ConfigError, match=r"^schedule.class: .* has no factor; write it"):
        build({"class": "nrsr.training.schedules.Schedule"}, Schedule, "schedule")


def test_a_class_that_does_not_fit_is_never_called(monkeypatch):
    calls = []

    class Spy:
        def __init__(self):
            calls.append(self)

    globals()["Spy"] = Spy
    monkeypatch.setenv("NRSR_MODULES", __name__)
    with pytest.raises(ConfigError, match="is no torch.optim"):
        build({"class": f"{__name__}.Spy"}, torch.optim.Optimizer, "optimiser")
    assert calls == []


def test_numbers_of_parts_are_bounded():
    spec = {"class": "nrsr.nn.ConformerEncoder", "blocks": 10**6}
    with pytest.raises(ConfigError, match="encoder.blocks: 1000000 lies beyond 1000"):
        build(spec, torch.nn.Module, "encoder")


def test_unknown_keys_are_refused():
    with pytest.raises(ConfigError, match="epoch;.*epochs"):
        check_keys({"epoch": 3}, ["epochs"], "training")
