"""What checkpoints cost with a front-end that is frozen and with one that is trained, from the same file of weights.

Example:
    python tools/benchmark/checkpoint.py --config egs/fsdd/asr/conf/no_se.yaml --set system.frontend.width=1024

Each of the two trains two steps in a process of its own; a line has the sizes of its files, the seconds that writing
last.pt takes (with fsync, median of five), the seconds of reading it to go on, and the largest memory of the process.
"""

import argparse
import multiprocessing
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from training_overhead import WORDS, write_data, write_statistics

from nrsr.config import load_yaml
from nrsr.data import Units
from nrsr.systems import build_system
from nrsr.training import run
from nrsr.training.progress import Clock
from nrsr.training.resumption import read_state, save_state

STEPS = 2


def seconds(call) -> float:
    """What one call takes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start


def measure(config: dict, folder: Path, kind: str) -> None:
    """Train with the front-end of a file, write and read checkpoints, print a line."""
    kept = {}

    def keep(training, progress):
        kept.update(training=training, progress=progress)
        train(training, progress)

    train, run.train = run.train, keep
    config |= {"init": {"frontend": {"from": str(folder / "frontend.pt"), "module": "all"}}}
    config |= {"freeze": ["frontend"]} if kind == "frozen" else {}
    exp = folder / kind
    exp.mkdir()
    shutil.copy(folder / "statistics.ark", exp)
    run.run_training(config, 0, folder / "train", folder / "dev", folder / "units", exp)
    writing = [
        seconds(lambda: save_state(kept["training"], kept["progress"], Clock(kept["progress"].seconds)))
        for _ in "12345"
    ]
    reading = seconds(lambda: read_state(exp, kept["training"].identity["config"]))
    sizes = [f"{path.name} {path.stat().st_size / 2**20:.1f} MiB" for path in sorted(exp.glob("*.pt"))]
    weights = sum(weight.numel() for weight in kept["training"].system.frontend.parameters()) / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        f"{kind} front-end of {weights:.1f} M weights: {', '.join(sizes)}; "
        f"last.pt written in {statistics.median(writing):.2f} s, read in {reading:.2f} s; memory {memory:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of a recogniser with a front-end")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    args = parser.parse_args()
    config = load_yaml(args.config, args.set)
    config["training"] |= {"epochs": 1, "average": 1}
    rng, size = np.random.default_rng(0), config["batches"]["size"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder / "train", STEPS * size, config["sample_rate"], rng)
        write_data(folder / "dev", size, config["sample_rate"], rng)
        units = Units.from_text([" ".join(WORDS)], "word")
        units.save(folder / "units")
        write_statistics(config, units, folder / "train", folder / "statistics.ark")
        system = build_system(config, len(units))
        run.load_statistics(system, folder / "statistics.ark")
        torch.save(system.frontend.state_dict(), folder / "frontend.pt")
        for kind in ("frozen", "trained"):
            process = multiprocessing.get_context("spawn").Process(target=measure, args=(config, folder, kind))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
