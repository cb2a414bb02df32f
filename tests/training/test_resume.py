"""A training that was killed, told to stop, or crashed goes on to the same weights bit for bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import toy_systems

from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import CheckpointError
from nrsr.files import atomic_open
from nrsr.folders import FolderInUse, alone_in
from nrsr.training import loop, validation

GAME = {
    "system": {"class": "toy_systems.ToyGame"},
    "turns": {
        "discriminator": {
            "loss_weights": {"real": 1.0, "made": 1.0},
            "optimiser": {"class": "torch.optim.Adam", "lr": 0.01},
            "schedule": {"class": "nrsr.training.schedules.Warmup", "steps": 8},
        },
        "generator": {"loss_weights": {"fool": 1.0}, "optimiser": {"class": "torch.optim.SGD", "lr": 0.01}},
    },
}

KILLS_ITSELF_WHILE_SAVING = """
import os, signal, sys
from pathlib import Path
real, left = os.replace, [3]
def replace(source, target):
    if Path(target).name == "last.pt":
        left[0] -= 1
        if not left[0]:
            # Half of the file is on the disk, under its temporary name.
            os.truncate(source, os.path.getsize(source) // 2)
            os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.replace = replace
from nrsr.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    last, model = (torch.load(folder / name, weights_only=True)["model"] for name in ("last.pt", "model.pt"))
    return {**{f"last.{name}": value for name, value in last.items()}, **model}


def assert_same(first: Path, second: Path) -> None:
    one, other = weights(first), weights(second)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.fixture
def started(corpus, toy_config, tmp_path):
    """Start a training in a process of its own: started(folder, code) -> Popen; waits for last.pt."""
    processes = []

    def start(folder: Path, *python: str) -> subprocess.Popen:
        save_yaml(toy_config, tmp_path / "config.yaml")
        options = {"config": tmp_path / "config.yaml", "train": corpus / "train", "dev": corpus / "dev"}
        options |= {"units": corpus / "units", "exp": folder, "seed": 1}
        command = [sys.executable, *(python or ("-m", "nrsr.commands.main")), "train"]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        options = {"env": environment, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        processes.append(subprocess.Popen(command, **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists() and process.poll() is None:
        time.sleep(0.005)


def test_sigkill_at_any_time(run_toy, started, toy_config, tmp_path):
    toy_config["training"] |= {"epochs": 8, "save_steps": 3}
    whole = run_toy(tmp_path / "whole")
    folder = tmp_path / "killed"
    process = started(folder)
    wait_for(folder / "last.pt", process)
    time.sleep(random.uniform(0, 0.4))  # an unlucky moment may be after the end: the next run then does nothing
    process.kill()
    process.wait()
    run_toy(folder)
    assert_same(folder, whole)


def test_sigkill_while_saving(run_toy, started, toy_config, tmp_path):
    toy_config["training"] |= {"save_steps": 4}
    whole = run_toy(tmp_path / "whole")
    process = started(tmp_path / "killed", "-c", KILLS_ITSELF_WHILE_SAVING)
    assert process.wait() == -signal.SIGKILL
    state = torch.load(tmp_path / "killed" / "last.pt", weights_only=True)
    assert state["progress"]["step"] == 8
    run_toy(tmp_path / "killed")
    assert_same(tmp_path / "killed", whole)
    assert not list((tmp_path / "killed").glob(".*.tmp"))


def test_sigterm_saves_and_says_so(run_toy, started, toy_config, tmp_path):
    toy_config["training"] |= {"epochs": 200, "average": 1, "save_minutes": 0.0001}
    folder = tmp_path / "stopped"
    process = started(folder)
    wait_for(folder / "last.pt", process)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    last = told.splitlines()[-1]
    step = torch.load(folder / "last.pt", weights_only=True)["progress"]["step"]
    assert last == f"nrsr train: {folder}: stopped by SIGTERM after step {step}, saved; the same command goes on there"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_training(started, toy_config, tmp_path, number):
    toy_config["training"] |= {"epochs": 200, "average": 1, "save_minutes": 0.0001}
    toy_config["batches"]["workers"] = 2
    folder = tmp_path / "stopped"
    process = started(folder)
    wait_for(folder / "last.pt", process)
    os.killpg(process.pid, number)
    _, printed = process.communicate(timeout=120)  # which waits for the workers too
    assert "Traceback" not in printed
    assert f"stopped by {number.name} after step " in printed.splitlines()[-1]


class Crash(Exception):
    pass


@pytest.mark.parametrize("crash_at", [2, 9, 14, 22])
def test_crash_anywhere_in_an_epoch(run_toy, toy_config, tmp_path, monkeypatch, crash_at):
    toy_config["training"] |= {"accumulate": 2, "save_steps": 1}
    whole = run_toy(tmp_path / "whole")
    with monkeypatch.context() as patched:
        real = toy_systems.ToyAsr.losses

        def losses(self, batch, turn, wanted):
            if self.calls == crash_at:
                raise Crash
            return real(self, batch, turn, wanted)

        patched.setattr(toy_systems.ToyAsr, "losses", losses)
        with pytest.raises(Crash):
            run_toy(tmp_path / "crashed")
    run_toy(tmp_path / "crashed")
    assert_same(tmp_path / "crashed", whole)
    steps = [(tmp_path / name / "metrics.jsonl").read_text().split('"seconds"')[0] for name in ("whole", "crashed")]
    assert steps[0] == steps[1]  # epoch means too, though the epoch was cut in two


def test_crash_of_a_game(run_toy, toy_config, tmp_path, monkeypatch):
    for key in ("loss_weights", "optimiser", "schedule"):
        del toy_config[key]
    toy_config |= GAME
    toy_config["training"] |= {"save_steps": 2}
    whole = run_toy(tmp_path / "whole")
    real = loop.save_state
    saves = []

    def save(*arguments):
        real(*arguments)
        saves.append(None)
        if len(saves) == 3:
            raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(loop, "save_state", save)
        with pytest.raises(Crash):
            run_toy(tmp_path / "crashed")
    run_toy(tmp_path / "crashed")
    assert_same(tmp_path / "crashed", whole)


def test_crash_while_validating(run_toy, tmp_path, monkeypatch):
    whole = run_toy(tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(validation, "save_validation", lambda *_: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            run_toy(tmp_path / "crashed")
    run_toy(tmp_path / "crashed")
    assert_same(tmp_path / "crashed", whole)


def test_crash_between_the_last_save_and_metrics(run_toy, tmp_path, monkeypatch):
    folder, real = tmp_path / "crashed", validation.save_state

    def save(training, progress, clock):
        real(training, progress, clock)
        if progress.finished:
            raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(validation, "save_state", save)
        with pytest.raises(Crash):
            run_toy(folder)
    run_toy(folder)
    lines = (folder / "metrics.jsonl").read_text()
    assert len(lines.splitlines()) == 3
    (folder / "metrics.jsonl").unlink()
    run_toy(folder)
    assert (folder / "metrics.jsonl").read_text() == lines


def test_full_disk_leaves_the_old_file(run_toy, toy_config, tmp_path, monkeypatch):
    from nrsr.experiment import checkpoint

    toy_config["training"] |= {"save_steps": 4}
    whole = run_toy(tmp_path / "whole")
    saved = []

    class Full:
        def __init__(self, stream):
            self.stream = stream

        def write(self, content):
            self.stream.write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

    class Opened:
        def __init__(self, path, mode):
            saved.append(path)
            self.inner = atomic_open(path, mode)

        def __enter__(self):
            stream = self.inner.__enter__()
            return Full(stream) if len(saved) > 2 else stream

        def __exit__(self, *error):
            return self.inner.__exit__(*error)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "atomic_open", Opened)
        with pytest.raises(CheckpointError, match=r"pt: No space left on device; the earlier file is kept"):
            run_toy(tmp_path / "full")
    run_toy(tmp_path / "full")
    assert_same(tmp_path / "full", whole)


def test_a_changed_config_is_named(run_toy, tmp_path):
    folder = run_toy(tmp_path / "exp", {"training.epochs": 1})
    with pytest.raises(CheckpointError, match=r"last.pt: made with another config: optimiser.lr: 0.01 -> 0.02; use"):
        run_toy(folder, {"optimiser.lr": 0.02})
    with pytest.raises(CheckpointError, match=r"seed: 1 -> 2"):
        run_toy(folder, {"optimiser.lr": 0.01}, seed=2)
    run_toy(folder, {"training.log_steps": 1, "decoding": {"method": "greedy"}})  # of no matter to the weights


def test_changed_data_are_named(run_toy, corpus, toy_config, tmp_path):
    from nrsr.training.run import run_training

    toy_config["training"]["epochs"] = 2
    folder = run_toy(tmp_path / "exp")
    state = torch.load(folder / "last.pt", weights_only=True)
    state["progress"]["finished"] = False
    torch.save(state, folder / "last.pt")
    with pytest.raises(CheckpointError, match="made with other data: train changed since"):
        run_training(toy_config, 1, corpus / "dev", corpus / "dev", corpus / "units", folder)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "empty", "pickle", "folder"])
def test_a_bad_checkpoint_is_named(run_toy, tmp_path, damage):
    folder = run_toy(tmp_path / "exp", {"training.epochs": 1})
    path = folder / "last.pt"
    content = path.read_bytes()
    if damage == "foreign":
        torch.save({"weights": torch.zeros(3)}, path)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "pickle": b"\x80\x02."}[damage])
    with pytest.raises(CheckpointError, match=rf"last.pt: .*; remove {path} to train from the start"):
        run_toy(folder)


def test_one_training_in_a_folder(run_toy, tmp_path):
    with alone_in(tmp_path / "exp", "nrsr train"), pytest.raises(FolderInUse, match="another nrsr train"):
        run_toy(tmp_path / "exp")
