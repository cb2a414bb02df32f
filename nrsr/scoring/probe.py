"""A fresh probe: how well a new classifier recognises the domain (such as the kind of noise) from frozen features.

The loss of an adversarial head proves nothing: the head may be weak, or the features may hide from it what another one
would find. So a new classifier is fitted on the frozen features of one half of the utterances and tested on the other
half, and then the other way round (Elazar and Goldberg, "Adversarial removal of demographic attributes from text data",
EMNLP 2018, found the domain in features whose own adversary was at chance).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nrsr.errors import NrsrError
from nrsr.scoring.bootstrap import DRAWS, interval, resampled_sums

BATCH = 64  # small, so that few utterances give many steps too: a probe that has not learnt proves nothing
PATIENCE = 15  # epochs without a better one
HELD_OUT = 5  # each fifth utterance of the fitting half decides when to stop
SMALLEST_STD = 1e-5


class ProbeError(NrsrError):
    """Utterances that cannot be probed: fewer than two kinds, or too few of each."""


@dataclass(frozen=True)
class ProbeSettings:
    """The classifier and its fitting.

    Attributes:
        width: units of its hidden layer; 0 makes it linear.
        epochs: at most so many; the one with the least loss on held-out utterances is taken.
        rate, decay: of AdamW.
    """

    width: int = 256
    epochs: int = 200
    rate: float = 1e-3
    decay: float = 1e-2


def halves(labels: Sequence[str], recordings: Sequence[str] | None, seed: int) -> tuple[np.ndarray, list[str]]:
    """Two halves of the utterances, with half of each kind in both and no noise recording in both where that can be.

    Returns:
        Whether each utterance is in the second half, bool [U]; and the kinds that have a single recording (or none
        that is known), whose utterances are parted at random.
    """
    labels = np.asarray(labels)
    second, by_utterance = np.zeros(len(labels), dtype=bool), []
    rng = np.random.default_rng(seed)
    for kind in sorted(set(labels.tolist())):
        places = rng.permutation(np.flatnonzero(labels == kind))
        sources = np.arange(len(places)) if recordings is None else np.asarray(recordings)[places]
        names, numbers, counts = np.unique(sources, return_inverse=True, return_counts=True)
        if len(names) < 2 or recordings is None:
            by_utterance.append(kind)
            second[places[: len(places) // 2]] = True
            continue
        sums = [0, 0]
        # The largest first, each to the half that has less.
        order = rng.permutation(len(names))
        for name in order[np.argsort(-counts[order], kind="stable")]:
            half = int(sums[1] < sums[0])
            sums[half] += counts[name]
            second[places[numbers == name]] = bool(half)
    return second, by_utterance


def fit(
    frames: Tensor, targets: Tensor, held_out: Tensor, classes: int, settings: ProbeSettings, seed: int
) -> nn.Module:
    """A classifier of frames [N, dim], fitted on those that are not held out; the epoch best on those is kept."""
    generator = torch.Generator().manual_seed(seed)
    mean, std = frames[~held_out].mean(0), frames[~held_out].std(0).clamp_min(SMALLEST_STD)
    probe = _network(frames.shape[1], classes, settings.width, mean, std, generator)
    optimiser = torch.optim.AdamW(probe.parameters(), lr=settings.rate, weight_decay=settings.decay)
    fitted = torch.nonzero(~held_out)[:, 0]
    best, kept, since = float("inf"), None, 0
    for _ in range(settings.epochs):
        probe.train()
        for part in fitted[torch.randperm(len(fitted), generator=generator)].split(BATCH):
            optimiser.zero_grad()
            F.cross_entropy(probe(frames[part]), targets[part]).backward()
            optimiser.step()
        probe.eval()
        with torch.no_grad():
            loss = float(F.cross_entropy(probe(frames[held_out]), targets[held_out]))
        if loss < best:
            best, kept, since = loss, {name: value.clone() for name, value in probe.state_dict().items()}, 0
        else:
            since += 1
            if since == PATIENCE:
                break
    probe.load_state_dict(kept)
    return probe


class _Standardise(nn.Module):
    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, frames: Tensor) -> Tensor:
        return (frames - self.mean) / self.std


def _network(dim: int, classes: int, width: int, mean: Tensor, std: Tensor, generator: torch.Generator) -> nn.Module:
    layers: list[nn.Module] = [_Standardise(mean, std)]
    if width:
        layers += [nn.Linear(dim, width), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(width or dim, classes))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
            nn.init.zeros_(layer.bias)
    return network


def probe_accuracy(
    frames: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    recordings: Mapping[str, str] | None = None,
    settings: ProbeSettings = ProbeSettings(),
    seed: int = 0,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """How often a new classifier is right about the label, with 95 % intervals, beside the best constant answer.

    Args:
        frames: utterance -> features [M, dim], M > 0.
        labels: utterance -> its kind.
        recordings: utterance -> noise recording; those of one recording stay in one half, and the interval counts
            that they have the noise in common.

    Returns:
        "frame" (each frame classified alone) and "utterance" (by the sum of its frames' log-posteriors), each with
        accuracy, interval and chance in per cent; recall of each kind; what was split and left out.

    Raises:
        ProbeError: fewer than two kinds with two utterances each.
    """
    counts = {kind: list(labels.values()).count(kind) for kind in sorted(set(labels.values()))}
    # Two in each half, since some of the fitting half are held out.
    rare = [kind for kind, count in counts.items() if count < 4]
    names = sorted(name for name in frames if name in labels and labels[name] not in rare)
    classes = [kind for kind in counts if kind not in rare]
    if len(classes) < 2:
        raise ProbeError(f"{len(classes)} kinds with 4 utterances or more; a probe needs two or more to tell apart")
    kinds = np.array([classes.index(labels[name]) for name in names])
    sources = None if recordings is None else [recordings.get(name, name) for name in names]
    second, by_utterance = halves([labels[name] for name in names], sources, seed)
    sizes = np.array([len(frames[name]) for name in names])
    owner = torch.from_numpy(np.repeat(np.arange(len(names)), sizes))
    stacked = torch.from_numpy(np.concatenate([frames[name] for name in names]).astype(np.float32))
    targets = torch.from_numpy(kinds)[owner]
    held_out = torch.from_numpy(_each_fifth(kinds, second))[owner]
    posteriors = torch.empty(len(stacked), len(classes))
    for half in (False, True):
        tested = torch.from_numpy(second == half)[owner]
        probe = fit(stacked[~tested], targets[~tested], held_out[~tested], len(classes), settings, seed)
        with torch.no_grad():
            posteriors[tested] = probe(stacked[tested]).log_softmax(1)
    sums = torch.zeros(len(names), len(classes)).index_add_(0, owner, posteriors)
    right_frames = torch.zeros(len(names)).index_add_(0, owner, (posteriors.argmax(1) == targets).float())
    right = (sums.argmax(1).numpy() == kinds).astype(np.float64)
    units = [np.array(names)] + ([] if sources is None else [np.array(sources)])
    most = np.bincount(kinds)
    return {
        "classes": {kind: int(count) for kind, count in zip(classes, most, strict=True)},
        "left_out": rare,
        "split": "noise recordings" if recordings is not None else "utterances",
        "split_by_utterance": by_utterance if recordings is not None else [],
        "frame": _statistics(
            right_frames.numpy(), sizes, np.bincount(kinds, sizes).max() / sizes.sum(), units, seed, draws
        ),
        "utterance": _statistics(right, np.ones(len(names)), most.max() / len(names), units, seed, draws),
        "recall": {kind: 100 * float(right[kinds == place].mean()) for place, kind in enumerate(classes)},
    }


def _each_fifth(kinds: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Each fifth utterance of a kind and half, the first one included."""
    held_out = np.zeros(len(kinds), dtype=bool)
    for half in (False, True):
        for kind in np.unique(kinds):
            held_out[np.flatnonzero((kinds == kind) & (second == half))[::HELD_OUT]] = True
    return held_out


def _statistics(
    right: np.ndarray, counted: np.ndarray, chance: float, units: list[np.ndarray], seed: int, draws: int
) -> dict[str, Any]:
    drawn = resampled_sums(np.stack([right, counted], 1).astype(np.float64), units, draws, seed)
    low, high = interval(100 * drawn[:, 0] / np.maximum(drawn[:, 1], 1e-9))
    return {
        "accuracy": 100 * float(right.sum() / counted.sum()),
        "interval": [low, high],
        "chance": 100 * float(chance),
    }
