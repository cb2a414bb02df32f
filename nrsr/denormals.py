"""Flushing of denormal numbers, for training and generation on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Numbers next to 0 count as 0: decaying activations and moments otherwise slow a CPU down many times."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
