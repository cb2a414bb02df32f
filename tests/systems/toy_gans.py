"""Small systems of every kind of audio GAN, batches of labelled noise for them, and their configs."""

import numpy as np
import torch

from nrsr.data.batch import Batch, Example, collate
from nrsr.nn import GlobalNorm
from nrsr.systems import build_system
from nrsr.systems.system import System

RATE, SAMPLES = 8000, 8192
WORDS = ["one", "three", "two"]
SYSTEMS = {
    "Gan": {"width": 12, "maxout": [6, 2]},
    "ConditionalGan": {"widths": [5, 6, 12], "example": [6, 2], "label": [3, 2], "joint": [6, 2]},
    "ControlGan": {"width": 2},
    "DcGan": {"width": 2},
    "WaveGan": {"width": 1, "samples": 1024},
    "SpecGan": {"width": 1},
}
LABELLED = ("ConditionalGan", "ControlGan")
GAMES = [*((name, name in LABELLED) for name in SYSTEMS), ("WaveGan", True)]  # each with labels or without
ADAM = {"class": "torch.optim.Adam", "lr": 0.01, "betas": [0.5, 0.9]}


def spec_of(name: str, **changes) -> dict:
    return {"class": f"nrsr.systems.{name}", "samples": SAMPLES, "latent": 4, **SYSTEMS[name], **changes}


def make_batch(size: int = 6, seed: int = 0, samples: int = SAMPLES) -> Batch:
    """Filtered noise of different lengths and levels; utterance n says WORDS[n % 3]."""
    rng, examples = np.random.default_rng(seed), []
    for number in range(size):
        wave = rng.normal(0, 0.1 + 0.05 * (number % 3), samples - 200 * number).astype(np.float32)
        wave[1:] += wave[:-1] * (number % 3 - 1)
        examples.append(Example(f"u{number}", wave.clip(-1, 1), None, None, {"word": number % len(WORDS)}))
    return collate(examples, samples)


def make_system(name: str, labelled: bool, seed: int = 0, **changes) -> System:
    """A system with statistics of a batch, in training mode."""
    torch.manual_seed(seed)
    metadata = {"classes": {"word": WORDS}} if labelled else {}
    system = build_system({"sample_rate": RATE, "system": spec_of(name, **changes)}, metadata=metadata)
    batch = make_batch(seed=seed + 1)
    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    return system


def turns_of(system: System, penalty: bool = False) -> dict:
    """The config's `turns`, with all losses of each but the penalty, which is asked for by itself."""
    turns = {}
    for turn in system.turns():
        names = [name for name in system.loss_names(turn) if name != "penalty" or penalty]
        turns[turn] = {"loss_weights": dict.fromkeys(names, 1.0), "optimiser": ADAM, "clip": None}
    return turns
