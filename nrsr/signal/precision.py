"""Keeping mixed precision out of computations that need float32."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor


def in_float32(like: Tensor) -> AbstractContextManager:
    """No mixed precision in the block, on the device of `like`.

    Autocast then leaves every operation in the type of its inputs; those that may come in half precision are to be
    turned into float32 within the block.
    """
    return torch.autocast(like.device.type, enabled=False)
