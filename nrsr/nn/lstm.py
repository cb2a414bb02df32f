"""The LSTM of this package: torch's, also where mixed precision has none."""

import torch
from torch import Tensor, nn

from nrsr.signal.precision import in_float32


class Lstm(nn.LSTM):
    """`torch.nn.LSTM`, in float32 where mixed precision takes float16 on a CPU.

    torch's fused LSTM cannot be trained in float16 there, and the one of single operations is slower than float32.
    """

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple]:
        """As torch's LSTM, in float32 where autocast on CPU would run it in float16, which it cannot."""
        mixed = inputs.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if mixed and torch.get_autocast_dtype("cpu") == torch.float16:
            with in_float32(inputs):
                return super().forward(inputs.float(), state)
        return super().forward(inputs, state)
