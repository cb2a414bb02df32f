"""YAML from strangers: refused in one line and at once, and a few hundred mutations of a config in a child process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from nrsr.config import ConfigError, load_yaml

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
REFUSED = {
    "laughs": (LAUGHS, r":\d+: holds more than 100000 values"),
    "laughs as keys": ("a: &a {b: 1}\nc: {*a : 2}\n", ":1: a key is a list"),
    "a value in itself": ("a: &a [*a]\n", ":1: a value holds itself"),
    "lists nested": ("[" * 5000, ":1: is nested deeper than 50 levels"),
    "mappings nested": ("a: " + "{a: " * 5000, ":1: is nested deeper than 50"),
    "blocks nested": ("".join(" " * n + f"a{n}:\n" for n in range(200)), ":50: is nested deeper than 50"),
    "a list as key": ("? [a, b]\n: 1\n", ":1: a key is a list, a mapping or a date"),
    "a mapping as key": ("{a: 1}: 1\n", ":1: a key is a list"),
    "a bad date": ("a: 2001-99-99\n", "none of its kind"),
    "a date": ("a: {b: 2001-01-01}\n", "a.b: a date is no value of a config; write text in quotes"),
    "a number without end": ("a: " + "9" * 5000, "4300"),
    "a number without end, in hexadecimal": ("a: 0x" + "f" * 5000, "a: the number lies beyond 4294967295"),
    "a number without end, in sixties": ("a: 1" + ":59" * 5000, "a: the number lies beyond"),
    "a number beyond sense": ("a: {b: [1, 99999999999]}\n", "a.b: the number lies beyond"),
    "a number that is none": ("a: .nan\n", "a: is no number"),
    "no number": ("a: !!int ''\n", "none of its kind"),
    "an object": ("a: !!python/object/apply:os.system [touch ran]\n", "could not determine a constructor"),
    "a set": ("a: !!set {b}\n", "a: a set is no value"),
    "bytes": ("a: !!binary YWI=\n", "a: a bytes is no value"),
    "control characters": ("a: \x07\n", "not readable as YAML"),
    "a large file": ("#" * (1 << 21), "more than 1048576 characters"),
    "no UTF-8": (b"a: \xff\n", "is not UTF-8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_one_line_and_at_once(tmp_path, name):
    text, says = REFUSED[name]
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    started = time.process_time()
    with pytest.raises(ConfigError, match=says) as caught:
        load_yaml(path)
    assert time.process_time() - started < 3
    message = str(caught.value)
    assert message.startswith(str(path))
    assert len(message) < 400


@pytest.mark.parametrize("value", ["[" * 100, "2001-99-99", "9" * 5000, "{[a]: 1}", "99999999999"])
def test_values_of_options_are_bounded_as_well(tmp_path, value):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    with pytest.raises(ConfigError, match=r"^--set b\.c: "):
        load_yaml(tmp_path / "a.yaml", [f"b.c={value}"])
    with pytest.raises(ConfigError, match=r"nested deeper"):
        load_yaml(tmp_path / "a.yaml", [".".join(["a"] * 500) + "=1"])


def test_aliases_are_read_within_bounds(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &x {b: 1}\nc: *x\n")
    assert load_yaml(tmp_path / "a.yaml") == {"a": {"b": 1}, "c": {"b": 1}}


FUZZ = r"""
import random, resource, sys
from copy import deepcopy
from pathlib import Path
import yaml
from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.settings import parse_experiment
from nrsr.systems import build_system

resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34))
source, folder, seed, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng = random.Random(seed)
whole = load_yaml(source)
whole["system"]["encoder"] = {"class": "nrsr.nn.ConformerEncoder", "blocks": 1, "dim": 8, "heads": 2, "ffn": 8}
VALUES = (None, True, -1, 0, 1, 10**9, 2**32 - 1, 10**40, 0.5, -0.5, 1e300, float("inf"), float("nan"), "", "x",
          "os.system", [], [1], [[]], {}, {"class": "nrsr.nn.BlstmEncoder"}, {"x": 1})
PARTS = [b"", b"[", b"{", b"}", b"&a ", b"*a", b"? ", b"\n", b"\t", b"'", b"!!int ", b"\xff", b"#", b"- ", b"%", b"|"]

def places(value, found):
    if isinstance(value, dict):
        for key, inner in value.items():
            found.append((value, key))
            places(inner, found)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found.append((value, number))
            places(inner, found)
    return found

def mutated():
    content = deepcopy(whole)
    for _ in range(rng.randint(1, 2)):
        holder, key = rng.choice(places(content, []))
        kind = rng.random()
        if kind < 0.7:
            holder[key] = deepcopy(rng.choice(VALUES))
        elif kind < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(["x", "class", 1, None])] = rng.choice(VALUES)
    text = yaml.safe_dump(content, sort_keys=False).encode()
    if rng.random() < 0.4:
        text = bytearray(text)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.choice([0, 1, 5])] = rng.choice(PARTS)
    return bytes(text)

good = 0
for number in range(count):
    text = mutated()
    path = folder / "mutated.yaml"
    path.write_bytes(text)
    try:
        config = load_yaml(path)
        parse_experiment(config)
        build_system(config, 10)
        good += 1
    except NrsrError as error:
        assert len(str(error)) < 2000
    except Exception as error:
        print(f"{type(error).__name__}: {error}\n{text.decode(errors='replace')}\n")
print(f"{good} of {count} are good", file=sys.stderr)
"""


def test_mutated_configs_are_built_or_refused(root, tmp_path):
    config = Path(root, "egs/mini/asr/conf/no_se.yaml")
    command = [sys.executable, "-c", FUZZ, str(config), str(tmp_path), "1", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
