"""Step times of the front-ends of egs/fsdd/asr beside MaskBlstm, alone and in a whole training step.

Example:
    python tools/benchmark/frontends.py --repeats 10

Generated audio, one batch of 16 utterances of 1 to 2.25 s, forward and backward with both losses, one thread; the
smallest processor time of all repeats, in which the systems take turns. Goal: a whole step with ConvTasNet or
MaskUnet takes at most 1.5 times one with MaskBlstm.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from nrsr.config import load_yaml
from nrsr.data import Batch
from nrsr.nn import GlobalNorm
from nrsr.systems import JointAsr, build_system

CONF = Path(__file__).resolve().parents[2] / "egs" / "fsdd" / "asr" / "conf"
CONFIGS = ("mtl_published", "unet", "convtasnet")  # the first is what the others are compared with
VOCABULARY = 13
UTTERANCES, SAMPLES = 16, 18_000


def make_batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(8000, SAMPLES + 1, (UTTERANCES,), generator=generator)
    waves, clean = (0.1 * torch.randn(UTTERANCES, SAMPLES, generator=generator) for _ in range(2))
    targets = torch.randint(2, VOCABULARY - 1, (UTTERANCES, 4), generator=generator)
    has_clean = torch.ones(UTTERANCES, dtype=torch.bool)
    ids = [str(number) for number in range(UTTERANCES)]
    return Batch(ids, waves, lengths, clean, has_clean, targets, torch.full((UTTERANCES,), 4))


def make_system(config: dict, batch: Batch) -> JointAsr:
    torch.manual_seed(0)
    system = build_system(config, VOCABULARY)
    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    return system


def frontend_step(system: JointAsr, batch: Batch) -> Tensor:
    enhanced, losses = system.frontend(batch.waves, batch.lengths, batch.clean)
    return enhanced.square().mean() + losses.mean()


def whole_step(system: JointAsr, batch: Batch) -> Tensor:
    losses = system.losses(batch, "main", ("asr", "se"))
    return losses["asr"] + losses["se"]


def seconds(step: Callable[[JointAsr, Batch], Tensor], system: JointAsr, batch: Batch) -> float:
    start = time.process_time()
    step(system, batch).backward()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    batch = make_batch()
    systems = {name: make_system(load_yaml(CONF / f"{name}.yaml"), batch) for name in CONFIGS}
    times = {}
    for step in (frontend_step, whole_step):
        rounds = [{name: seconds(step, systems[name], batch) for name in CONFIGS} for _ in range(repeats + 1)]
        times[step] = {name: min(turn[name] for turn in rounds[1:]) for name in CONFIGS}  # the first one warms up
    print("| config | front-end | parameters | front-end, ms | ratio | whole step, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in CONFIGS:
        frontend = systems[name].frontend
        size = sum(parameter.numel() for parameter in frontend.parameters())
        columns = [f"{1000 * taken[name]:.0f} | {taken[name] / taken[CONFIGS[0]]:.2f}" for taken in times.values()]
        print(f"| {name} | {type(frontend).__name__} | {size} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
