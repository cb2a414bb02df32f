"""Averaging the weights of the best validations into one model."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from nrsr.experiment.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from nrsr.experiment.frozen import whole_weights

DIGITS = {"epoch": 3, "step": 7}  # of their numbers in the names of files


def validation_files(folder: Path) -> dict[int, Path]:
    """The checkpoints of an experiment folder by epoch, or by step where it counts steps, in order."""
    files = {
        int(match[2]): path
        for path in (folder / "checkpoints").glob("*.pt")
        if (match := re.fullmatch(r"(epoch|step)(\d+)\.pt", path.name))
    }
    return dict(sorted(files.items()))


def unit_of(folder: Path) -> str:
    """The unit in which an experiment counts its validations: "epoch" or "step"."""
    return "step" if any((folder / "checkpoints").glob("step*.pt")) else "epoch"


def rank(criteria: dict[int, float]) -> list[int]:
    """Epochs (or steps) from the best (lowest) criterion to the worst; of equal ones the later first; NaN last."""
    return sorted(criteria, key=lambda number: (criteria[number] != criteria[number], criteria[number], -number))


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
    """Write model.pt as the mean of the n best validations that have a checkpoint; returns their epochs or steps.

    Raises:
        CheckpointError: fewer than n checkpoints, n below 1, or a checkpoint that is no good.
    """
    files = validation_files(folder)
    if n < 1:
        raise CheckpointError(f"--n {n}: nothing to average; take 1 or more")
    if len(files) < n:
        raise CheckpointError(
            f"{folder / 'checkpoints'}: {len(files)} epochs are kept; take --n {len(files)} or less, "
            "or train with a larger training.average"
            if files
            else f"{folder / 'checkpoints'}: no epoch*.pt or step*.pt; train with nrsr train"
        )
    cure = "remove it, and run nrsr average with a smaller --n"
    contents: dict[int, dict[str, Any]] = {number: load_checkpoint(path, cure) for number, path in files.items()}
    for number, content in contents.items():
        if not isinstance(content.get("criterion"), int | float):
            raise CheckpointError(f"{files[number]}: holds no number under 'criterion'; {cure}")
    best = sorted(rank({number: content["criterion"] for number, content in contents.items()})[:n])
    states = [whole_weights(contents[number], files[number], cure) for number in best]
    for number, state in zip(best, states, strict=True):
        shapes = {name: value.shape for name, value in state.items()}
        if shapes != {name: value.shape for name, value in states[0].items()}:
            raise CheckpointError(f"{files[number]}: has other weights than {files[best[0]]}; {cure}")
    save_checkpoint(folder / "model.pt", {"model": average_weights(states), "epochs": best})
    return best


def save_validation(folder: Path, unit: str, number: int, weights: dict[str, Any], criterion: float) -> None:
    """Write the checkpoint of a validation.

    Args:
        unit, number: "epoch" or "step", and which.
        weights: the entries `model` and perhaps `frozen`.
        criterion: the lowest is the best.
    """
    path = folder / "checkpoints" / f"{unit}{number:0{DIGITS[unit]}d}.pt"
    save_checkpoint(path, {**weights, unit: number, "criterion": criterion})


def prune_validations(folder: Path, keep: Iterable[int]) -> None:
    """Remove the checkpoints of all other validations."""
    keep = set(keep)
    for number, path in validation_files(folder).items():
        if number not in keep:
            path.unlink()
