"""Strided convolutions padded as TensorFlow's SAME: a stride s divides or multiplies the length by s exactly.

And TensorFlow's initial weights, which networks have whose authors say nothing else.
"""

from torch import Tensor, nn
from torch.nn import functional as F


def same_padding(kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and behind, for lengths that the stride divides (kernel >= stride)."""
    total = kernel - stride
    return total // 2, total - total // 2


class SameConv1d(nn.Conv1d):
    """[B, C, N] to [B, out, N / stride]."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__(inside, outside, kernel, stride)
        self.pads = same_padding(kernel, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, N] to [B, out, N / stride]."""
        return super().forward(F.pad(inputs, self.pads))


class SameConv2d(nn.Conv2d):
    """[B, C, H, W] to [B, out, H / stride, W / stride]."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__(inside, outside, kernel, stride)
        self.pads = 2 * same_padding(kernel, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, H, W] to [B, out, H / stride, W / stride]."""
        return super().forward(F.pad(inputs, self.pads))


class SameConvTranspose1d(nn.ConvTranspose1d):
    """[B, C, N] to [B, out, N stride]."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__(inside, outside, kernel, stride, padding=same_padding(kernel, stride)[0])

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, N] to [B, out, N stride]."""
        # The convolution cuts off as much behind as before, which leaves a sample more where SAME takes one more there.
        return super().forward(inputs)[..., : inputs.shape[-1] * self.stride[0]]


class SameConvTranspose2d(nn.ConvTranspose2d):
    """[B, C, H, W] to [B, out, H stride, W stride]."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__(inside, outside, kernel, stride, padding=same_padding(kernel, stride)[0])

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, C, H, W] to [B, out, H stride, W stride]."""
        rows, columns = (size * self.stride[0] for size in inputs.shape[-2:])
        return super().forward(inputs)[..., :rows, :columns]


def tensorflow_start_(module: nn.Module) -> None:
    """Weights of convolutions and linear layers start at Glorot's uniform values (AISTATS 2010), biases at 0."""
    if isinstance(module, nn.Linear | SameConv1d | SameConv2d | SameConvTranspose1d | SameConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
