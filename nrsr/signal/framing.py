"""Kaldi's frames: cutting waveforms, removing the offset, pre-emphasis, window and energy, in batches."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from nrsr.signal.extractor import FeatureError

KALDI_SCALE = 32768.0  # Kaldi's samples are 16-bit integers
EPSILON = torch.finfo(torch.float32).eps  # Kaldi's floor before a logarithm


def window_of(window_type: str, size: int, blackman_coeff: float) -> Tensor:
    """A window [size] as Kaldi's feature-window.cc defines it (symmetric forms), in float64."""
    phase = 2.0 * math.pi * torch.arange(size, dtype=torch.float64) / max(size - 1, 1)
    hann = 0.5 - 0.5 * phase.cos()
    windows = {
        "hanning": hann,
        "povey": hann**0.85,
        "hamming": 0.54 - 0.46 * phase.cos(),
        "rectangular": torch.ones_like(phase),
        "blackman": blackman_coeff - 0.5 * phase.cos() + (0.5 - blackman_coeff) * (2.0 * phase).cos(),
    }
    if window_type not in windows:
        raise FeatureError(f"window_type {window_type!r}: take one of {', '.join(windows)}")
    return windows[window_type]


def log_energy_of(frames: Tensor, scale: float) -> Tensor:
    """Logarithm of the sum of squares of each frame [..., size] times `scale`, floored as in Kaldi."""
    return ((frames * frames).sum(-1) * scale**2).clamp(min=EPSILON).log()


class Framing(nn.Module):
    """Waveforms in ±1 to windowed frames at Kaldi's scale (which the window brings in), ready for an FFT.

    Args: Kaldi's options of the same names (frame_length and frame_shift in ms). One thing differs: dither is
        added to the waveform once, where Kaldi draws it again for each frame; the power added is the same.

    Attributes:
        size, shift: frame length and shift in samples.
        n_fft: length of the frames returned, zero past `size`.
    """

    def __init__(
        self,
        sample_rate: int,
        frame_length: float,
        frame_shift: float,
        window_type: str,
        blackman_coeff: float,
        snip_edges: bool,
        dither: float,
        preemphasis: float,
        remove_dc_offset: bool,
        round_to_power_of_two: bool,
        raw_energy: bool,
        energy_floor: float,
    ) -> None:
        super().__init__()
        self.size = int(sample_rate * 0.001 * frame_length)
        self.shift = int(sample_rate * 0.001 * frame_shift)
        if self.size < 2 or self.shift < 1:
            raise FeatureError(
                f"frame_length {frame_length:g} ms, frame_shift {frame_shift:g} ms: no samples at {sample_rate} Hz"
            )
        if not 0.0 <= preemphasis <= 1.0:
            raise FeatureError(f"preemphasis {preemphasis:g}: must lie between 0 and 1")
        if dither < 0.0 or energy_floor < 0.0:
            raise FeatureError(f"dither {dither:g}, energy_floor {energy_floor:g}: must not be negative")
        self.n_fft = 1 << (self.size - 1).bit_length() if round_to_power_of_two else self.size
        if self.n_fft % 2:
            raise FeatureError(
                f"frame_length {frame_length:g} ms: is an odd number of samples ({self.size}) at {sample_rate} Hz, and "
                "Kaldi's transforms are even; change it, or set round_to_power_of_two"
            )
        self.snip_edges, self.dither, self.preemphasis = snip_edges, dither, preemphasis
        self.remove_dc_offset, self.raw_energy, self.energy_floor = remove_dc_offset, raw_energy, energy_floor
        window = pad(window_of(window_type, self.size, blackman_coeff), (0, self.n_fft - self.size))
        # The first sample of a frame needs a correction below, unless the window hides it.
        self.first_weight = 0.0 if abs(window[0]) < 1e-9 else float(window[0]) * KALDI_SCALE
        self.register_buffer("window", (window * KALDI_SCALE).float(), persistent=False)

    def frames(self, lengths: Tensor) -> Tensor:
        """Number of frames of signals of so many samples."""
        if self.snip_edges:
            return ((lengths - self.size) // self.shift + 1).clamp(min=0)
        return (lengths + self.shift // 2) // self.shift

    def forward(self, waves: Tensor, lengths: Tensor, energy: bool) -> tuple[Tensor, Tensor | None]:
        """Windowed frames [B, N, n_fft] of waves [B, T], and with `energy` their log energies [B, N]."""
        if self.dither > 0.0:
            waves = waves + self.dither / KALDI_SCALE * torch.randn_like(waves)
        count = int(self.frames(torch.tensor(waves.shape[1])))
        waves, ends = self._fit_edges(waves, lengths, count)
        raw = waves.unfold(1, self.size, self.shift)[:, :count]
        mean, constant = None, None
        if self.remove_dc_offset:
            mean, constant = raw.mean(-1, keepdim=True), self._constant(waves, raw)
            if constant is not None:  # a sum of equal numbers is rounded, and a logarithm would show the rest
                mean = torch.where(constant, raw[..., :1], mean)
        windowed = self._windowed(waves, ends, mean, constant, count)
        if not energy:
            return windowed, None
        if not self.raw_energy:
            log_energy = log_energy_of(windowed, 1.0)
        else:
            log_energy = log_energy_of(raw if mean is None else raw - mean, KALDI_SCALE)
        if self.energy_floor > 0.0:
            log_energy = log_energy.clamp(min=math.log(self.energy_floor))
        return windowed, log_energy

    def _fit_edges(self, waves: Tensor, lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Waves whose frame n starts at sample n * shift, long enough for `count` frames; and where padding begins."""
        if self.snip_edges:
            return waves, lengths
        before = self.size // 2 - self.shift // 2
        if before < 0:  # frames shorter than their shift: the first one starts inside
            waves, lengths, before = waves[:, -before:], lengths + before, 0
        missing = (count - 1) * self.shift + self.size - before - waves.shape[1]
        extended = pad(waves, (before, max(missing, self.size)))
        # Mirror each utterance at its own two ends; periodic, should it be shorter than half a frame.
        period = 2 * lengths.clamp(min=1).unsqueeze(1)
        ahead = torch.arange(-before, 0, device=waves.device).expand(len(waves), -1)
        behind = lengths.clamp(min=0).unsqueeze(1) + torch.arange(self.size, device=waves.device)
        places = torch.cat([ahead, behind], dim=1)
        mirrored = places % period
        mirrored = torch.minimum(mirrored, period - 1 - mirrored)
        mirrored_waves = extended.scatter(1, places + before, waves.gather(1, mirrored))
        return mirrored_waves, lengths + before + self.size

    def _constant(self, waves: Tensor, raw: Tensor) -> Tensor | None:
        """Which frames of raw [B, N, size] hold one value throughout, bool [B, N, 1]; None: only silent ones."""
        first, middle, last = raw[..., 0], raw[..., self.size // 2], raw[..., -1]
        # Three samples are soon looked at, and seldom alike; but a GPU should not wait for the answer.
        if raw.device.type == "cpu" and not ((first == last) & (first == middle)).logical_and_(first).any():
            return None
        steps = torch.diff(waves.detach()).unfold(1, self.size - 1, self.shift)[:, : raw.shape[1]]
        return torch.linalg.vector_norm(steps, dim=-1, keepdim=True) == 0.0

    def _windowed(
        self, waves: Tensor, ends: Tensor, mean: Tensor | None, constant: Tensor | None, count: int
    ) -> Tensor:
        """Offset removal, pre-emphasis and window.

        All three are linear, so the pre-emphasis is done once per sample instead of once per frame:
        (x[i] - m) - c (x[i-1] - m) = (x[i] - c x[i-1]) - (1 - c) m. Only a frame's first sample has no
        predecessor in its frame: Kaldi takes (1 - c) (x[0] - m) there. Of a constant frame the two sides are rounded
        differently, so what is taken off is the left side itself.
        """
        c = self.preemphasis
        after = max(0, (count - 1) * self.shift + self.n_fft - waves.shape[1])
        # Sample 0 has no predecessor, and needs none: it is only ever the first of a frame.
        emphasised = torch.sub(waves[:, 1:], waves[:, :-1], alpha=c) if c else waves
        emphasised = pad(emphasised, (1 if c else 0, after + 1))
        # Past `size` the window is 0, but 0 times NaN in the padding is none. The last sample is in no frame.
        padding = ends.unsqueeze(1) + torch.arange(self.n_fft - self.size, device=waves.device)
        emphasised.scatter_(1, padding.clamp(max=emphasised.shape[1] - 1), 0.0)
        frames = emphasised.unfold(1, self.n_fft, self.shift)[:, :count]
        # In place where autograd allows it: these passes over all frames are bound by memory.
        if mean is None:
            windowed = frames * self.window
        else:
            offset = (1.0 - c) * mean
            if constant is not None:
                offset = torch.where(constant, frames[..., 1:2], offset)
            windowed = (frames - offset).mul_(self.window)
        if c and self.first_weight:
            first = waves[:, : (count - 1) * self.shift + 1 : self.shift]
            first = first if mean is None else first - mean.squeeze(-1)
            windowed[..., 0] = self.first_weight * (1.0 - c) * first
        return windowed
