"""A task wholly outside the package, as docs/add-a-task.md has it: trained, killed, applied, scored and reported."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pages import ROOT, blocks, commands

from nrsr.kaldi import read_list

PAGE = "docs/add-a-task.md"


@pytest.fixture
def task(tmp_path, monkeypatch) -> Path:
    """The reader's folder, with the files of the page; the working directory."""
    names = ("local/beeps.py", "conf/small.yaml", "conf/wide.yaml")
    for name, content in zip(names, blocks(PAGE, "python", "yaml"), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'local'}{os.pathsep}{ROOT}")
    monkeypatch.syspath_prepend(tmp_path / "local")
    return tmp_path


def test_the_task_of_the_page(task, nrsr_main):
    (script,) = blocks(PAGE, "sh")
    first, *others = commands(script, task)
    subprocess.run([sys.executable, *first[1:]], check=True)
    assert [words[1] for words in others] == ["train", "apply", "score"] * 2 + ["report"]
    for words in others:
        status, printed, err = nrsr_main(*words[1:])
        assert status == 0, err
    table = printed[printed.rindex("system") :]
    assert re.search(r"^small +0\.\d\d$", table, re.MULTILINE) and re.search(r"^wide +0\.\d\d$", table, re.MULTILINE)
    right, found = (read_list(task / name) for name in ("data/test/count", "exp/wide_seed1/apply_test/count"))
    assert set(right.values()) == {"1", "2", "3", "4"}
    off = sum(abs(int(right[name]) - int(found[name])) for name in right) / len(right)
    assert f"| wide | {off:.2f} |" in (task / "RESULTS.md").read_text() and off < 0.2
    assert "wide - small" in printed
    page = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    for name in os.listdir(task / "exp/small_seed1"):
        shown = name.startswith((".", "apply_")) or f"`{name}`" in page or f"`{name}/`" in page
        assert shown, f"docs/formats.md does not say what {name} is"
    resumed = killed_and_resumed(task, nrsr_main, others[0])
    for name in ("last.pt", "model.pt"):
        one, other = (torch.load(folder / name, weights_only=True) for folder in (resumed, task / "exp/small_seed1"))
        assert one["model"].keys() == other["model"].keys()
        assert all(torch.equal(value, other["model"][key]) for key, value in one["model"].items())


def killed_and_resumed(task: Path, nrsr_main, words: list[str]) -> Path:
    """The training of the page in another folder, killed with SIGKILL after its first checkpoint, and gone on with."""
    folder = task / "exp" / "killed"
    words = [str(folder) if word.startswith("exp/") else word for word in words]
    process = subprocess.Popen([sys.executable, "-m", "nrsr.commands.main", *words[1:]], stderr=subprocess.DEVNULL)
    while not (folder / "last.pt").exists() and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL and not (folder / "model.pt").exists()
    status, _, err = nrsr_main(*words[1:])
    assert status == 0 and re.search(r"going on at step [1-9]\d* of 160", err)
    return folder
