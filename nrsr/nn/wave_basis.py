"""Learned encoder and decoder of waveforms: one linear layer over half-overlapping windows of a few samples each."""

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.half_overlap import half_overlapping, overlap_add
from nrsr.signal.masks import zero_padding
from nrsr.signal.precision import in_float32


class WaveEncoder(nn.Module):
    """w = ReLU(U x) for each window x (Luo & Mesgarani 2019, equation 2): a Conv1d without bias, stride window / 2.

    It is computed as a matrix product, with the frames in the rows, as the dual-path networks take them. It is float32
    also under mixed precision, whose eight bits would put a floor of noise under every waveform.

    Args:
        filters: channels of the representation.
        window: samples, an even number.
    """

    def __init__(self, filters: int = 256, window: int = 16) -> None:
        super().__init__()
        if window < 2 or window % 2:
            raise ConfigError(f"system: window {window} must be an even number of samples, at least 2")
        self.window, self.hop = window, window // 2
        self.basis = nn.Linear(window, filters, bias=False)

    def frames(self, lengths: Tensor) -> Tensor:
        """Windows [B] for so many samples [B], one at least; the last may reach behind the utterance."""
        return (lengths - self.window).clamp_min(0).add(self.hop - 1).div(self.hop, rounding_mode="floor") + 1

    def forward(self, waves: Tensor, lengths: Tensor, count: int) -> Tensor:
        """Waveforms [B, T] with lengths [B] to [B, count, filters]; zeros past an utterance's frames."""
        windows = half_overlapping(zero_padding(waves, lengths).unsqueeze(2), count, self.window).squeeze(3)
        with in_float32(waves):
            encoded = self.basis(windows).relu()
        # The next window after an utterance's last still holds its end, which the last one has already.
        return zero_padding(encoded, self.frames(lengths))


class WaveDecoder(nn.Module):
    """The transposed convolution that answers a `WaveEncoder`: each frame is a sum of learned windows, overlapped.

    It is float32 also under mixed precision, as the encoder is.

    Args:
        filters, window: those of the encoder.
    """

    def __init__(self, filters: int = 256, window: int = 16) -> None:
        super().__init__()
        self.basis = nn.Linear(filters, window, bias=False)
        # As torch starts a transposed convolution to one channel.
        nn.init.uniform_(self.basis.weight, -(window**-0.5), window**-0.5)

    def forward(self, representation: Tensor, size: int) -> Tensor:
        """[..., N, filters] to waveforms [..., size], cut, or zeros at the end where the frames do not reach."""
        with in_float32(representation):
            windows = self.basis(representation.float())
        waves = overlap_add(windows.flatten(0, -3).unsqueeze(3)).squeeze(2)[:, :size]
        waves = torch.nn.functional.pad(waves, (0, size - waves.shape[1]))
        return waves.unflatten(0, representation.shape[:-2])
