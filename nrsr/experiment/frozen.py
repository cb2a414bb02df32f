"""Frozen weights, stored once in an experiment as frozen.pt, which its checkpoints name by checksum."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from nrsr.experiment.checkpoint import CheckpointError, load_checkpoint, save_checkpoint, weights_in

NAME = "frozen.pt"


def parted(weights: Mapping[str, Tensor], modules: Iterable[str]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights that are trained, and those of the frozen `modules`."""
    prefixes = tuple(f"{module}." for module in modules)
    frozen = {name: value for name, value in weights.items() if name.startswith(prefixes)}
    return {name: value for name, value in weights.items() if name not in frozen}, frozen


def write_frozen(folder: Path, weights: dict[str, Tensor]) -> str:
    """Write frozen.pt of an experiment; returns its checksum."""
    save_checkpoint(folder / NAME, {"model": weights})
    return checksum(folder / NAME)


def checksum(path: Path) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def whole_weights(content: dict[str, Any], path: Path, cure: str) -> dict[str, Tensor]:
    """The weights of a checkpoint, with those that frozen.pt of its experiment holds for it.

    Raises:
        CheckpointError: no weights, or a frozen.pt that is not the one of the checkpoint.
    """
    weights = weights_in(content, path, cure)
    if "frozen" not in content:
        return weights
    file = (path.parent.parent if path.parent.name == "checkpoints" else path.parent) / NAME
    if not file.exists():
        raise CheckpointError(f"{file}: no such file, and {path.name} leaves its frozen weights to it; {cure}")
    if checksum(file) != content["frozen"]:
        raise CheckpointError(f"{file}: not the file that {path.name} was written beside (checksum); {cure}")
    return {**weights, **weights_in(load_checkpoint(file, cure), file, cure)}
