"""Dropout whose draws are cheap on a CPU, where those of torch are a tenth of a conformer's training."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# A draw of 64 bits decides about four entries, by 16 bits each.
LEVELS = 1 << 16
# Entries that several operations go over one after the other while a processor's cache holds them.
CHUNK = 1 << 16


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`; on a CPU one draw of torch's generator decides about four entries.

    The share of zeros there is `p` to the nearest 1/65536, and the others are scaled by exactly that.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    @property
    def _quick(self) -> bool:
        return self.training and 0 < round(self.p * LEVELS) < LEVELS

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs of any shape to the same."""
        return inputs * keep_mask(inputs, self.p) if self._quick and on_cpu(inputs) else super().forward(inputs)

    def added(self, residual: Tensor, inputs: Tensor, factor: float = 1.0) -> Tensor:
        """residual + factor * dropout(inputs), in one go."""
        if self._quick and on_cpu(inputs):
            return torch.addcmul(residual, inputs, keep_mask(inputs, self.p), value=factor)
        return torch.add(residual, super().forward(inputs), alpha=factor)

    def of_swish(self, inputs: Tensor) -> Tensor:
        """dropout(inputs * sigmoid(inputs)), with one tensor less to keep for the derivative."""
        if self._quick and on_cpu(inputs):
            return _MaskedSwish.apply(inputs, keep_mask(inputs, self.p))
        return super().forward(F.silu(inputs))


class _MaskedSwish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, mask)
        return F.silu(inputs).mul_(mask)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        inputs, mask = ctx.saved_tensors
        if torch.is_grad_enabled():  # the derivative is to be derived, which torch's own kernel cannot be
            share = inputs.sigmoid()
            return gradient * mask * share * (1.0 + inputs * (1.0 - share)), None
        derivative = torch.empty(inputs.numel(), dtype=inputs.dtype)
        for part, *of in zip(*(x.reshape(-1).split(CHUNK) for x in (derivative, gradient, mask, inputs)), strict=True):
            torch.mul(of[0], of[1], out=part)
            torch.ops.aten.silu_backward.grad_input(part, of[2], grad_input=part)
        return derivative.view_as(inputs), None


def on_cpu(inputs: Tensor) -> bool:
    """Whether a tensor is in the memory of the CPU."""
    return inputs.device.type == "cpu"


def keep_mask(like: Tensor, p: float) -> Tensor:
    """Zeros with probability `p`, and the inverse of the share kept elsewhere, shaped and typed as `like`."""
    dropped = round(p * LEVELS)
    mask = torch.empty(like.numel())
    draws = torch.empty(min(CHUNK, mask.numel() + 3) // 4, dtype=torch.int64)
    for part in mask.split(CHUNK):
        # As float32 from the start: comparing integers and turning the answer into numbers takes twice as long.
        part.copy_(draws.random_(-(2**63), None).view(torch.int16)[: len(part)])
        part.ge_(dropped - LEVELS // 2).mul_(LEVELS / (LEVELS - dropped))
    return mask.view(like.shape).to(like.dtype)
