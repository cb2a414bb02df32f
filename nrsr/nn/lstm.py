"""The LSTM of this package: torch's, also where mixed precision has none."""

import torch
from torch import Tensor, nn

from nrsr.signal.precision import in_float32


class Lstm(nn.LSTM):
    """`torch.nn.LSTM`, in float32 where mixed precision takes half precision on a CPU that has no LSTM for it.

    torch's fused LSTM can be trained in float16 on none, and in bfloat16 only with the AVX-512 instructions; the one
    of single operations is slower than float32.
    """

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple]:
        """As torch's LSTM, in float32 where autocast on CPU would run it in a type that it cannot."""
        mixed = inputs.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if mixed and not (torch.get_autocast_dtype("cpu") == torch.bfloat16 and _has_avx512()):
            with in_float32(inputs):
                return super().forward(inputs.float(), state)
        return super().forward(inputs, state)


def _has_avx512() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX512"
