"""Checkpoints: written whole or not at all, checked by their checksums and read without running code."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nrsr.errors import NrsrError
from nrsr.files import atomic_open, cure_of

FORMAT = "nrsr checkpoint 1"


class CheckpointError(NrsrError):
    """A checkpoint cannot be written, read, or used for this training."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values; a failure keeps the earlier file.

    Raises:
        CheckpointError: the disk is full or cannot be written.
    """
    # Through memory, because torch.save hides the reason when its own writing fails.
    serialised = io.BytesIO()
    torch.save({"format": FORMAT, **content}, serialised)
    try:
        with atomic_open(path, "wb") as stream:
            stream.write(serialised.getbuffer())
    except OSError as error:
        cure = cure_of(error, "run the same command again")
        raise CheckpointError(f"{path}: {error.strerror}; the earlier file is kept, {cure}") from error


def load_checkpoint(path: Path, cure: str) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, to the CPU.

    Args:
        cure: what to do when the file is no good, for the message.

    Raises:
        CheckpointError: no such file, unreadable, truncated, changed since it was written, or not of this kind.
    """
    content = load_file(path, cure)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not written by this version of nrsr train; {cure}")
    return content


def load_file(path: Path, cure: str, *, older: bool = False) -> Any:
    """What a file of torch.save holds, to the CPU: tensors and plain values, after a check of its checksums.

    torch.save stores a checksum of every record, and torch.load ignores a wrong one. The check takes a fifth of
    the time that saving takes.

    Args:
        older: take files of torch before 1.6 as well, which have no checksums.

    Raises:
        CheckpointError: as `load_checkpoint`.
    """
    try:
        with open(path, "rb") as stream:
            damaged = None
            if not older or stream.read(2) == b"PK":
                with zipfile.ZipFile(stream) as records:
                    damaged = records.testzip()
            if damaged is None:
                stream.seek(0)
                return torch.load(stream, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; {cure}") from error
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}; {cure_of(error, cure)}") from error
    except Exception as error:  # zipfile and torch.load raise nearly anything on bytes that are no checkpoint
        if isinstance(error, pickle.UnpicklingError) and "Unsupported" in str(error):
            what = "holds more than tensors and plain values, and is not loaded, since that could run code"
            raise CheckpointError(f"{path}: {what}; {cure}") from error
        raise CheckpointError(f"{path}: truncated, corrupt or foreign ({type(error).__name__}); {cure}") from error
    raise CheckpointError(f"{path}: changed since it was written (checksum of {damaged}); {cure}")


def weights_in(content: dict[str, Any], path: Path, cure: str) -> dict[str, Tensor]:
    """The weights of a checkpoint, its entry `model`.

    Raises:
        CheckpointError: there are none, or a value among them is no weight.
    """
    weights = content.get("model")
    if not isinstance(weights, dict) or not weights:
        raise CheckpointError(f"{path}: holds no weights under 'model'; {cure}")
    for name, value in weights.items():
        if (odd := oddity(value)) or not isinstance(name, str):
            raise CheckpointError(f"{path}: model: {name} is {odd or 'no name'}, not a weight; {cure}")
    return weights


def oddity(value: Any) -> str:
    """Why a value is not a weight, "" if it is one."""
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    if value.layout != torch.strided or value.is_quantized:
        return f"a tensor of layout {value.layout}" if not value.is_quantized else "a quantised tensor"
    if value.is_meta:
        return "a tensor without values (meta)"
    if value.is_complex():
        return f"a tensor of {value.dtype}"
    # One sum looks through all values: what is not a number makes it none.
    if value.is_floating_point() and value.sum(dtype=torch.float64).isnan() and value.isnan().any():
        return "a tensor with NaN"
    return ""


def load_weights(module: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Put weights into a module, every name, shape and kind of number matching.

    Raises:
        CheckpointError: they do not fit, with the first name that does not.
    """
    expected = module.state_dict()
    for name in [*expected, *weights]:
        descriptions = [description(state[name]) if name in state else "nothing" for state in (weights, expected)]
        if descriptions[0] != descriptions[1]:
            raise CheckpointError(
                f"{path}: {name} is {descriptions[0]}, the config's system has {descriptions[1]}; "
                "bring back the config it was made with"
            )
    module.load_state_dict(weights, strict=True)


def description(weight: Tensor) -> str:
    """Shape and kind of number of a weight: floats of any width are alike."""
    shape = str(tuple(weight.shape))
    return shape if weight.is_floating_point() else f"{shape} of {weight.dtype}"
