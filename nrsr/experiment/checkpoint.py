"""Checkpoints: written whole or not at all, read without running code, with the state of every random generator."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from nrsr.errors import NrsrError
from nrsr.files import atomic_open

FORMAT = "nrsr checkpoint 1"


class CheckpointError(NrsrError):
    """A checkpoint cannot be written, read, or used for this training."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values; a failure leaves the file that stood there before.

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
        raise CheckpointError(
            f"{path}: {error.strerror}; what was saved before stands, run the same command again when there is room"
        ) from error


def load_checkpoint(path: Path, cure: str) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, to the CPU.

    Args:
        cure: what to do when the file is no good, for the message.

    Raises:
        CheckpointError: no such file, truncated, or not of this kind.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such file; {cure}") from error
    except Exception as error:  # torch.load raises nearly anything on bytes that are no checkpoint
        raise CheckpointError(f"{path}: truncated, corrupt or foreign ({type(error).__name__}); {cure}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not written by this version of nrsr train; {cure}")
    return content


def load_weights(module: nn.Module, weights: dict[str, torch.Tensor], path: Path) -> None:
    """Put weights into a module, every name and shape matching.

    Raises:
        CheckpointError: they do not fit, with the first name that does not.
    """
    own = module.state_dict()
    for name in [*own, *weights]:
        if name not in weights or name not in own or own[name].shape != weights[name].shape:
            shapes = [tuple(state[name].shape) if name in state else "nothing" for state in (weights, own)]
            raise CheckpointError(
                f"{path}: {name} is {shapes[0]}, the config's system has {shapes[1]}; "
                "bring back the config it was made with"
            )
    module.load_state_dict(weights, strict=True)


def seed_generators(seed: int) -> None:
    """Start all random generators from one seed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator_states() -> dict[str, Any]:
    """The states of all random generators, as values that `weights_only` loading accepts."""
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_generators(states: dict[str, Any]) -> None:
    """Set all random generators to states from `generator_states`."""
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
