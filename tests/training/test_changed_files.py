"""Hundreds of changed model.pt, last.pt and epoch checkpoints: refused in one line, or of no consequence."""

import os
import subprocess
import sys
from pathlib import Path

CHILD = '''
"""Change the files of a finished and of a stopped training, and use them: one report line a surprise."""
import copy, random, sys, warnings
from pathlib import Path
import torch
import nrsr
from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.average import average_experiment
from nrsr.training import run
from nrsr.training.resumption import read_state, resume

warnings.simplefilter("ignore")
folder, corpus, seed, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng = random.Random(seed)
VALUES = (None, 0, -1, 2**70, 0.5, float("nan"), "x", [], {}, [1], {"x": 1}, True, torch.ones(2),
          torch.ones(2, dtype=int), torch.ones(3, 3).to_sparse(), torch.ones(2, device="meta"),
          torch.ones(2, dtype=torch.complex64))

def changed(content):
    """One entry, at any depth, is taken out, replaced, or renamed."""
    content = copy.deepcopy(content)
    inner = content
    while True:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = rng.choice(list(keys))
        deeper = isinstance(inner[key], (dict, list)) and len(inner[key])
        if not deeper or rng.random() < 0.3:
            break
        inner = inner[key]
    action = rng.choice("dvr")
    value = inner[key]
    if action == "d":
        del inner[key]
    elif action == "v":
        inner[key] = rng.choice(VALUES)
    elif isinstance(inner, dict):
        del inner[key]
        inner[rng.choice(("x", 3, str(key) + "x"))] = value
    else:
        inner.append(value)
    return content

config = load_yaml(folder / "config.yaml")
training = None
real = run.train
def catch(made, progress):
    global training
    training = made
run.train = catch
state = torch.load(folder / "last.pt", weights_only=True)
state["progress"]["finished"] = False
torch.save(state, folder / "last.pt")
(folder / "kept").write_bytes((folder / "last.pt").read_bytes())
run.run_training(config, config["seed"], corpus / "train", corpus / "dev", corpus / "units", folder)

def resumed():
    resume(training, read_state(folder, config))

epoch = sorted((folder / "checkpoints").iterdir())[0]
uses = {"kept": (folder / "last.pt", resumed), "model.pt": (folder / "model.pt", lambda: nrsr.load(folder)),
        epoch.name: (epoch, lambda: average_experiment(folder, 1))}
refused = 0
for name, (path, use) in uses.items():
    source = folder / name if name == "kept" else path
    content = torch.load(source, weights_only=True)
    whole = source.read_bytes()
    for number in range(count):
        if number % 2:
            other = changed(content)
            torch.save(other, path)
        else:
            data = bytearray(whole)
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)
        try:
            use()
        except NrsrError as error:
            refused += 1
            if "\\n" in str(error) or str(folder) not in str(error):
                print("UNCLEAR", name, repr(str(error)))
        except BaseException as error:
            print("SURPRISE", name, type(error).__name__, str(error)[:200])
    path.write_bytes(whole)
print("refused", refused)
'''


def test_changed_files_are_refused_in_one_line(run_toy, corpus, toy_config, tmp_path):
    toy_config["training"] |= {"epochs": 2, "average": 1, "save_steps": 2}
    folder = run_toy(tmp_path / "exp")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    environment["OMP_NUM_THREADS"] = "1"
    command = [sys.executable, "-c", CHILD, str(folder), str(corpus), "0", "100"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *surprises, last = done.stdout.splitlines()
    assert surprises == []
    assert int(last.split()[1]) > 150
