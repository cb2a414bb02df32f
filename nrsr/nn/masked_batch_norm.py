"""Batch normalisation whose statistics leave padding out."""

import torch
from torch import Tensor, nn


class MaskedBatchNorm(nn.Module):
    """Batch normalisation of [B, M, dim] over the valid frames of a batch.

    In training, mean and variance are those of the valid frames alone, so the padding of a batch changes nothing;
    running averages (momentum 0.1, unbiased variance) are used in evaluation, where an utterance then does not depend
    on the others. Under gradient accumulation each micro-batch has its own statistics.
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, hidden: Tensor, valid: Tensor) -> Tensor:
        """Normalise [B, M, dim]; `valid` [B, M] is True at the frames that count."""
        if self.training:
            mean, variance = self._batch_statistics(hidden, valid)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(variance + self.EPSILON)
        return hidden * scale + (self.bias - mean * scale)

    def _batch_statistics(self, hidden: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        # Sums over a batch leave float16's range, and bfloat16 has too few digits for them.
        hidden, valid = hidden.float(), valid.unsqueeze(2)
        count = valid.sum().clamp_min(1)
        mean = hidden.masked_fill(~valid, 0.0).sum((0, 1)) / count
        variance = (hidden - mean).square().masked_fill(~valid, 0.0).sum((0, 1)) / count
        with torch.no_grad():
            unbiased = variance * (count / (count - 1).clamp_min(1))
            self.running_mean.lerp_(mean, self.MOMENTUM)
            self.running_var.lerp_(unbiased, self.MOMENTUM)
        return mean, variance
