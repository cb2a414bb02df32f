"""A waveform as a spectrogram for figures."""

import torch
from torch import Tensor

WINDOW = 512  # samples
RANGE = 80.0  # dB under the highest value


def spectrogram(wave: Tensor) -> Tensor:
    """Power in dB [F, N] of a waveform [T], down to 80 dB under its highest value."""
    window = torch.hann_window(WINDOW)
    padded = torch.nn.functional.pad(wave, (0, max(0, WINDOW - len(wave))))
    power = torch.stft(padded, WINDOW, WINDOW // 4, window=window, center=False, return_complex=True).abs().square()
    decibels = 10.0 * power.clamp_min(1e-12).log10()
    return decibels.clamp_min(decibels.max() - RANGE)
