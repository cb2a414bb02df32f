"""Tables, config differences and provenance."""

import socket
from datetime import date

from nrsr.reporting import Table, config_differences, provenance


def test_plain_table_aligns_by_the_width_on_a_terminal():
    table = Table("T", ["name", "WER"], [["a", "1.00"], ["你好吗", "10.00"]], ["note"])
    assert table.plain().splitlines() == ["T", "name      WER", "a        1.00", "你好吗  10.00", "note"]


def test_markdown_table_escapes_bars():
    table = Table("T", ["a|b", "c"], [["1", "2"]], ["note"])
    assert table.markdown().splitlines() == ["**T**", "", "| a\\|b | c |", "| --- | ---: |", "| 1 | 2 |", "", "- note"]


def test_config_differences():
    first = {"seed": 1, "rate": 8000, "model": {"class": "A", "size": 3}, "inner": {"seed": 1, "list": [1, 2]}}
    second = {"seed": 2, "rate": 8000, "model": {"class": "A", "size": 4}, "inner": {"seed": 2, "list": [1]}, "x": None}
    assert config_differences({"one": first, "two": second}) == {
        "model.size": {"one": "3", "two": "4"},
        "inner.seed": {"one": "1", "two": "2"},
        "inner.list": {"one": "[1, 2]", "two": "[1]"},
        "x": {"one": "-", "two": "null"},
    }
    assert config_differences({"one": first, "two": {**first, "seed": 5}}) == {}
    assert config_differences({}) == {}
    # Students of the same teacher, each of its own fold and seed, and that of another.
    same, again, other = (
        {"init": {"encoder": {"from": f"exp/{name}"}}, "data": {"frames": f"exp/{name}/layers"}}
        for name in ("teacher_fold0_seed1", "teacher_fold1_seed2", "ssl_fold0_seed1")
    )
    assert config_differences({"one": same, "two": again}) == {}
    assert list(config_differences({"one": same, "two": other})) == ["init.encoder.from", "data.frames"]
    other = {**first, "model": {"class": "B"}}
    assert config_differences({"one": first, "two": other}) == {
        "model": {"one": "{class: A, size: 3}", "two": "{class: B}"}
    }


def test_paths_are_shown_without_the_folders_of_this_machine():
    here, there = ({"init": {"all": {"from": f"{root}/exp/a_seed1"}}, "x": "../../a/b"} for root in ("/w/1", "/w/2"))
    assert config_differences({"one": here, "two": {**there, "x": "../c"}}) == {
        "init.all.from": {"one": "exp/a_seed1", "two": "exp/a_seed1"},
        "x": {"one": "../../a/b", "two": "../c"},
    }
    whole = {"init": {"class": "A", "from": "/w/1/exp/a"}}
    assert config_differences({"one": whole, "two": {"init": None}})["init"]["one"] == "{class: A, from: exp/a}"


def test_provenance_names_code_and_machine_but_not_the_host():
    text = provenance()
    assert text.startswith(date.today().isoformat())
    assert "commit " in text
    assert " cores" in text
    assert len(socket.gethostname()) < 4 or socket.gethostname() not in text
