"""Pre-emphasis of waveforms and its inverse, for padded batches."""

import math

import torch
from torch import Tensor


def emphasise(waves: Tensor, coefficient: float) -> Tensor:
    """x[n] - coefficient x[n - 1] of waves [..., T], x[-1] being 0."""
    return torch.cat([waves[..., :1], waves[..., 1:] - coefficient * waves[..., :-1]], dim=-1)


def deemphasise(waves: Tensor, coefficient: float) -> Tensor:
    """y[n] = x[n] + coefficient y[n - 1] of waves [..., T]: undoes `emphasise`; differentiable, without a loop.

    The filter is divided by in the frequency domain, behind enough zeros for its response to die away (1e-9).

    Args:
        coefficient: from 0 up to, and without, 1.
    """
    if not coefficient:
        return waves
    samples = waves.shape[-1]
    decay = math.ceil(math.log(1e-9) / math.log(coefficient))
    size = 1 << (samples + decay - 1).bit_length()
    kernel = torch.zeros(size, dtype=waves.dtype, device=waves.device)
    kernel[0], kernel[1] = 1.0, -coefficient
    return torch.fft.irfft(torch.fft.rfft(waves, size) / torch.fft.rfft(kernel), size)[..., :samples]
