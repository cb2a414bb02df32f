"""Averaging the weights of the best epochs into one model."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from nrsr.experiment.checkpoint import CheckpointError, load_checkpoint, save_checkpoint, weights_in

EPOCH_FILE = "epoch{:03d}.pt"


def epoch_files(folder: Path) -> dict[int, Path]:
    """The checkpoints of an experiment folder by epoch, in order."""
    found = {
        int(match[1]): path
        for path in (folder / "checkpoints").glob("epoch*.pt")
        if (match := re.fullmatch(r"epoch(\d+)\.pt", path.name))
    }
    return dict(sorted(found.items()))


def rank(criteria: dict[int, float]) -> list[int]:
    """Epochs from the best (lowest) criterion to the worst; of equal ones the later first; NaN last."""
    return sorted(criteria, key=lambda epoch: (criteria[epoch] != criteria[epoch], criteria[epoch], -epoch))


def average_weights(states: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Mean of floating tensors (summed in double precision), integer ones from the last state."""
    states = list(states)
    averaged = {}
    for name, last in states[-1].items():
        if last.is_floating_point():
            averaged[name] = (sum(state[name].double() for state in states) / len(states)).to(last.dtype)
        else:
            averaged[name] = last
    return averaged


def average_experiment(folder: Path, n: int) -> list[int]:
    """Write model.pt as the mean of the n best epochs that have a checkpoint; returns these epochs.

    Raises:
        CheckpointError: fewer than n checkpoints, or n below 1.
    """
    files = epoch_files(folder)
    if n < 1:
        raise CheckpointError(f"--n {n}: nothing to average; take 1 or more")
    if len(files) < n:
        raise CheckpointError(
            f"{folder / 'checkpoints'}: {len(files)} epochs are kept; take --n {len(files)} or less, "
            "or train with a larger training.average"
            if files
            else f"{folder / 'checkpoints'}: no epoch*.pt; train with nrsr train"
        )
    cure = "remove it, and run nrsr average with a smaller --n"
    contents: dict[int, dict[str, Any]] = {epoch: load_checkpoint(path, cure) for epoch, path in files.items()}
    for epoch, content in contents.items():
        if not isinstance(content.get("criterion"), int | float):
            raise CheckpointError(f"{files[epoch]}: holds no number under 'criterion'; {cure}")
    best = sorted(rank({epoch: content["criterion"] for epoch, content in contents.items()})[:n])
    states = [weights_in(contents[epoch], files[epoch], cure) for epoch in best]
    for epoch, state in zip(best, states, strict=True):
        shapes = {name: value.shape for name, value in state.items()}
        if shapes != {name: value.shape for name, value in states[0].items()}:
            raise CheckpointError(f"{files[epoch]}: has other weights than {files[best[0]]}; {cure}")
    save_checkpoint(folder / "model.pt", {"model": average_weights(states), "epochs": best})
    return best


def save_epoch(folder: Path, epoch: int, weights: dict[str, Tensor], criterion: float) -> None:
    """Write the checkpoint of a finished epoch."""
    path = folder / "checkpoints" / EPOCH_FILE.format(epoch)
    save_checkpoint(path, {"model": weights, "epoch": epoch, "criterion": criterion})


def prune_epochs(folder: Path, keep: Iterable[int]) -> None:
    """Remove the checkpoints of all other epochs."""
    keep = set(keep)
    for epoch, path in epoch_files(folder).items():
        if epoch not in keep:
            path.unlink()
