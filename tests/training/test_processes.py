"""Training by two processes: the steps of one process that accumulates, what is written, stopping and going on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from nrsr.training.processes import Processes

ROOT = Path(__file__).resolve().parents[2]


def test_batches_are_shared_out_and_all_processes_get_as_many():
    shares = [Processes(rank, 2).share(["a", "b", "c"]) for rank in range(2)]
    assert shares == [(["a", "c"], [1 / 3, 1 / 3]), (["b", "c"], [1 / 3, 0.0])]
    assert Processes().share(["a", "b"]) == (["a", "b"], [0.5, 0.5])
    assert Processes(2, 3).share(["a"]) == (["a"], [0.0])


@pytest.fixture
def config_file(toy_config, tmp_path):
    """A toy system with remedied gradients, its batches so many that the last step has one for two processes."""
    toy_config["system"] = {"class": "toy_systems.ToyCalm"}
    toy_config["batches"] = {"size": 9, "max_seconds": 60}  # 60 utterances: seven batches
    toy_config["gradients"] = {"class": "nrsr.gradients.Remedy", "k": 1.0, "per": "update"}
    toy_config["training"] |= {"log_steps": 1, "precision": "float32"}
    path = tmp_path / "conf.yaml"
    path.write_text(yaml.safe_dump(toy_config))
    return path


def command(processes, corpus, config_file, folder, *settings):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    train = ["-m", "nrsr.commands.main", "train", "--config", str(config_file), "--train", str(corpus / "train")]
    rest = ["--dev", str(corpus / "dev"), "--units", str(corpus / "units"), "--exp", str(folder), "--seed", "1"]
    return [*(launcher if processes > 1 else [sys.executable]), *train, *rest, *(f"--set={one}" for one in settings)]


def environment():
    here = str(Path(__file__).parent)
    return os.environ | {"PYTHONPATH": f"{ROOT}:{here}", "OMP_NUM_THREADS": "1"}


def train(*args):
    return subprocess.run(command(*args), env=environment(), capture_output=True, text=True, timeout=300)


def weights(folder, name="model.pt"):
    return torch.load(folder / name, weights_only=True)["model"]


def test_two_processes_make_the_steps_of_one_that_accumulates(corpus, config_file, tmp_path):
    alone = train(1, corpus, config_file, tmp_path / "alone", "training.accumulate=2")
    assert alone.returncode == 0, alone.stderr
    both = train(2, corpus, config_file, tmp_path / "both")
    assert both.returncode == 0, both.stderr
    assert "2 processes, cpu" in (tmp_path / "both" / "train.log").read_text()
    assert both.stderr.count("epoch 1 of 3:") == 1  # the first process speaks for all
    for name, value in weights(tmp_path / "alone").items():
        torch.testing.assert_close(weights(tmp_path / "both")[name], value, rtol=1e-4, atol=1e-6)
    logs = [(tmp_path / name / "metrics.jsonl").read_text().splitlines() for name in ("alone", "both")]
    for one, other in zip(*(list(map(yaml.safe_load, log)) for log in logs), strict=True):
        assert one["step"] == other["step"]
        assert one["dev"] == pytest.approx(other["dev"], rel=1e-4)
        assert one["train"] == pytest.approx(other["train"], rel=1e-3, abs=1e-6)


def test_two_processes_go_on_where_they_were_stopped(corpus, config_file, tmp_path):
    whole = train(2, corpus, config_file, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    settings = ("training.save_steps=1",)
    with subprocess.Popen(
        command(2, corpus, config_file, tmp_path / "parts", *settings), env=environment(), stderr=subprocess.DEVNULL
    ) as running:
        log = tmp_path / "parts" / "train.log"
        deadline = time.monotonic() + 200
        while not (log.exists() and "step 3 " in log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
    fewer = train(1, corpus, config_file, tmp_path / "parts", *settings)
    if not (tmp_path / "parts" / "model.pt").exists():  # stopped in time
        assert fewer.returncode == 1 and "made by 2 processes, and 1 go on" in fewer.stderr
    resumed = train(2, corpus, config_file, tmp_path / "parts", *settings)
    assert resumed.returncode == 0, resumed.stderr
    for name, value in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "parts")[name], value), name


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains(run_toy, toy_config, tmp_path, precision):
    toy_config["training"] |= {"precision": precision, "epochs": 1, "average": 1}
    folder = run_toy(tmp_path / "exp")
    assert (folder / "model.pt").exists()
    logged = yaml.safe_load((folder / "metrics.jsonl").read_text())
    assert 0 < logged["train"]["asr"] < 100
