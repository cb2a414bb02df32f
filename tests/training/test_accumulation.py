"""A step over several batches is that of the joined batch: gradient and metrics, each loss over its own rows."""

import numpy as np
import pytest
import torch

from nrsr.data.batch import Example, collate
from nrsr.data.frame_block import IGNORED
from nrsr.data.frames import FrameBatch
from nrsr.experiment.turn_settings import parse_turns
from nrsr.nn import GlobalNorm
from nrsr.systems import build_system
from nrsr.training.processes import Processes
from nrsr.training.turns import build_turns

MEL = {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 10}
MASK = {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 80, "layers": 1, "width": 6, "dropout": 0.0}
BLSTM = {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 6, "channels": 2, "dropout": 0.0}
HEADS = {"noise": {"width": 4}, "mean": {"labels": "noise", "width": 4, "pooling": "mean"}}
TCN = {"class": "nrsr.nn.TcnMasks", "bottleneck": 4, "hidden": 6, "skip": 4, "blocks": 2, "stacks": 1}
DNN = {"class": "nrsr.nn.Dnn", "layers": 1, "width": 6, "left": 1, "right": 1}
# System, and the names of its losses.
SYSTEMS = {
    "joint": ({"class": "nrsr.systems.JointAsr", "frontend": MASK, "features": MEL, "encoder": BLSTM, "heads": HEADS},
              ["asr", "se", "noise", "mean"]),
    "senone": ({"class": "nrsr.systems.Senone", "network": DNN, "heads": {"noise": {"layer": 1, "width": 4}}},
               ["senone", "noise"]),
    "separation": ({"class": "nrsr.systems.Separation", "speakers": 2, "masker": TCN, "enhancer": TCN, "filters": 6,
                    "window": 8, "threshold": 39.0}, ["sep", "se"]),
}  # fmt: skip
METADATA = {"joint": {}, "senone": {"input_dim": 3, "senone_counts": [5, 5, 5, 5]}, "separation": {}}


def speech(rows):
    """Utterances; True stands for clean speech and a label."""
    rng = np.random.default_rng(0)
    examples = []
    for number, complete in enumerate(rows):
        wave = rng.normal(0, 0.1, 2000 + 100 * number).astype(np.float32)
        labels = {"noise": number % 2 if complete else IGNORED}
        examples.append(Example(f"u{number}", wave, wave / 2 if complete else None, rng.integers(2, 5, 2), labels))
    return examples, collate


def frames(rows):
    """Chunks of 4 frames; where False stands, one frame has a senone and the chunk has no label."""
    rng = np.random.default_rng(1)
    examples = []
    for number, complete in enumerate(rows):
        targets = torch.from_numpy(rng.integers(0, 4, 4))
        if not complete:
            targets[1:] = IGNORED
        label = torch.tensor(number % 2 if complete else IGNORED)
        examples.append((f"u{number}", torch.randn(6, 3), targets, label))

    def joined(chosen):
        names, inputs, targets, labels = zip(*chosen, strict=True)
        return FrameBatch(list(names), torch.stack(inputs), torch.stack(targets), {"noise": torch.stack(labels)})

    return examples, joined


def mixtures(rows):
    """Mixtures of two speakers; both are silent where False stands."""
    rng = np.random.default_rng(2)
    examples = []
    for number, complete in enumerate(rows):
        sources = complete * rng.normal(0, 0.1, (2, 300 + 20 * number)).astype(np.float32)
        examples.append(Example(f"u{number}", sources.sum(0) + 0.01, None, None, {}, sources))
    return examples, collate


DATA = {"joint": speech, "senone": frames, "separation": mixtures}


def step(kind, combiner, names, batches):
    spec, _ = SYSTEMS[kind]
    torch.manual_seed(1)
    classes = {} if kind == "separation" else {"classes": {"noise": ["a", "b"]}}
    vocabulary = 6 if kind == "joint" else None
    system = build_system({"sample_rate": 8000, "system": spec}, vocabulary, METADATA[kind] | classes)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.load_statistics(np.array([[0.0] * module.dim + [9.0], [9.0] * module.dim + [0.0]]))
    weights = {name: 0.3 + number for number, name in enumerate(names)}
    optimiser = {"class": "torch.optim.SGD", "lr": 0.1}
    turns = parse_turns({"loss_weights": weights, "gradients": combiner, "optimiser": optimiser}, None)
    [turn] = build_turns(turns, system)
    chosen, shares = Processes().share(batches)
    done = turn.step(system.train(), chosen, shares)
    assert done.updated
    return done, torch.cat([p.grad.flatten() for p in system.parameters() if p.grad is not None])


SPLITS = {
    "8 and 1": ([True] * 9, 8),
    "complete in one part alone": ([True, True, True, False, False], 3),
    "1 of 4 complete": ([True, True, True, False, True, False, False, False], 4),
}
COMBINERS = {
    "sum": {"class": "nrsr.gradients.Sum"},
    "measured": {"class": "nrsr.gradients.MeasuredSum"},
    "update": {"class": "nrsr.gradients.torchjd.TorchJd", "aggregator": {"class": "torchjd.aggregation.UPGrad"},
               "per": "update"},
}  # fmt: skip


@pytest.mark.parametrize("combiner", COMBINERS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", SYSTEMS)
def test_parts_make_the_step_of_the_joined_batch(kind, split, combiner):
    rows, cut = SPLITS[split]
    examples, joined = DATA[kind](rows)
    names = SYSTEMS[kind][1]
    parts, gradient = step(kind, COMBINERS[combiner], names, [joined(examples[:cut]), joined(examples[cut:])])
    whole, expected = step(kind, COMBINERS[combiner], names, [joined(examples)])
    assert parts.counts == whole.counts
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))
    for name in names:
        assert parts.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-4)


@pytest.mark.parametrize("kind", SYSTEMS)
def test_counts_are_those_of_the_validation(kind):
    rows = [True, True, False, True, False]
    examples, joined = DATA[kind](rows)
    names = SYSTEMS[kind][1]
    step_counts = step(kind, COMBINERS["sum"], names, [joined(examples)])[0].counts
    expected = {"joint": [5, 3, 3, 3], "senone": [3 * 4 + 2, 3], "separation": [3, 5]}[kind]
    assert list(step_counts.values()) == expected
