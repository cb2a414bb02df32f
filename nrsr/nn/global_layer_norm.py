"""Layer normalisation over channels and time together, whose statistics leave padding out."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nrsr.signal.precision import in_float32

EPSILON = 1e-8


class GlobalLayerNorm(nn.Module):
    """Global layer normalisation (gLN; Luo & Mesgarani 2019, equations 15 to 17) of [B, C, N] or [B, C, N, F].

    Each utterance is normalised by the mean and variance of all its valid entries, then each channel has a gain and a
    bias. Padding enters neither statistics nor output, so an utterance comes out the same in any batch, in training
    and in evaluation. (`GlobalNorm` is another thing: features by fixed statistics of the training set.)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor, valid: Tensor) -> Tensor:
        """Normalise [B, C, N] or [B, C, N, F]; `valid` [B, N] is 1.0 at the frames that count and 0.0 at padding.

        Padding must hold finite numbers and comes out as zeros. Statistics are float32 and float32 comes out, also
        under mixed precision.
        """
        maps, valid = maps.float(), valid.float()
        if maps.dim() == 3:
            return _Normalise.apply(maps, valid, self.weight, self.bias)
        valid = valid.repeat_interleave(maps.shape[3], 1)
        normalised = _Normalise.apply(maps.flatten(2), valid, self.weight, self.bias)
        return normalised.view(maps.shape)


class _Normalise(torch.autograd.Function):
    """y = v (w (x - m) r + b) for x [B, C, N] and v [B, N], m and r per utterance; with a derivative by hand.

    Autograd would walk over the activations about three times as often, and these layers spend their time on that.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, valid: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        with in_float32(inputs):  # which would halve the products
            column = valid.unsqueeze(2)  # sums over time are products with it
            count = (valid.sum(1) * inputs.shape[1]).clamp_min(1.0)[:, None, None]
            mean = (inputs @ column).sum(1, keepdim=True) / count
            # Not as the difference of two large numbers, which is lost where the mean is far from zero.
            variance = ((inputs - mean).square_() @ column).sum(1, keepdim=True) / count
            rate = torch.rsqrt(variance + EPSILON)
            ctx.save_for_backward(inputs, valid, weight, mean, rate, count)
            scale = rate * weight[:, None]  # [B, C, 1]
            return torch.addcmul(bias[:, None] - mean * scale, inputs, scale).mul_(valid.unsqueeze(1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs, valid, weight, mean, rate, count = ctx.saved_tensors
        with in_float32(grad):
            column, centred = valid.unsqueeze(2), inputs - mean
            by_bias = grad @ column  # [B, C, 1]
            by_weight = (centred * grad) @ column * rate
            # dx = v r (w g - <w g> - (x - m) r <w g (x - m) r>), <> the mean over an utterance's entries
            first = (weight[:, None] * by_bias).sum(1, keepdim=True) / count
            second = (weight[:, None] * by_weight).sum(1, keepdim=True) / count * rate
            by_inputs = torch.addcmul(-rate * first, centred, -rate * second)
            by_inputs.addcmul_(grad, rate * weight[:, None]).mul_(valid.unsqueeze(1))
            return by_inputs, None, by_weight.sum((0, 2)), by_bias.sum((0, 2))
