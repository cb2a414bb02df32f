"""Waveforms as square images for generators, and back: SpecGAN's spectrograms, and log-mel spectrograms."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.global_norm import GlobalNorm
from nrsr.signal.griffin_lim import griffin_lim
from nrsr.signal.mel import kaldi_bank
from nrsr.signal.mel_inverse import spectra_under
from nrsr.signal.precision import in_float32
from nrsr.signal.stft import STFT

FLOOR = 1e-6  # added to magnitudes before the logarithm
REACH = 3.0  # standard deviations from the mean that the images hold


class Images(nn.Module, ABC):
    """Waveforms of one length to images [B, bands, frames] in [-1, 1], as many bands as frames, and back.

    A value is clip((ln(magnitude + 1e-6) - mean) / (3 std), -1, 1), mean and deviation being those of its band over the
    training data (Donahue, McAuley, Puckette, ICLR 2019, section 3.2); `nrsr compute-cmvn --config` computes them. The
    way back is Griffin and Lim's.

    The frame around the first sample is left out, so that there are as many as there are hops. Where the hop is half
    the transform, the frames are those of one that is padded at the end (SpecGAN's); what comes back fades in.

    Args:
        samples: of a waveform; shorter ones get silence behind them, longer ones are cut.
        side: bands, and frames.
        n_fft: samples of the transform, two or more hops of samples // side.
        iterations: of Griffin and Lim's algorithm.

    Raises:
        ConfigError, FeatureError: sizes that do not fit each other.
    """

    def __init__(self, samples: int, side: int, n_fft: int, iterations: int) -> None:
        super().__init__()
        if samples < side:
            raise ConfigError(f"system.samples: {samples} are too few for an image of {side} frames; take more")
        if iterations < 0:
            raise ConfigError(f"system.iterations: {iterations} of Griffin and Lim's algorithm; take 0 or more")
        self.length, self.side, self.iterations = samples, side, iterations
        self.stft = STFT(n_fft, samples // side)
        self.norm = GlobalNorm(side)

    @abstractmethod
    def bands(self, magnitudes: Tensor) -> Tensor:
        """Magnitudes [B, F, N] of the transform to those of the bands [B, bands, N]."""

    @abstractmethod
    def magnitudes(self, bands: Tensor) -> Tensor:
        """Magnitudes of the bands [B, bands, N] to those of the transform [B, F, N], 0 or above."""

    def forward(self, waves: Tensor) -> Tensor:
        """Waves [B, T] in ±1 to images [B, side, side]."""
        normalised = self.norm(self._logarithms(waves).transpose(1, 2)).transpose(1, 2)
        return (normalised / REACH).clamp(-1.0, 1.0)

    @torch.no_grad()
    def inverse(self, images: Tensor) -> Tensor:
        """Images [B, side, side] to waves [B, samples], in ±1 but for overshoot."""
        logarithms = REACH * images.float() * self.norm.std[:, None] + self.norm.mean[:, None]
        magnitudes = self.magnitudes((logarithms.exp() - FLOOR).clamp_min(0.0))
        whole = self.stft.hop * self.side
        waves = griffin_lim(F.pad(magnitudes, (1, 0)), self.stft, whole, self.iterations)
        return fixed(waves, self.length)

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Add the images of waves [B, T], zero past their lengths, to the statistics of the bands."""
        logarithms = self._logarithms(waves)
        self.norm.accumulate_statistics(logarithms.transpose(1, 2), torch.full_like(lengths, self.side))

    def _logarithms(self, waves: Tensor) -> Tensor:
        """Logarithms [B, bands, side] of the bands' magnitudes."""
        with in_float32(waves):  # half precision has no room for squares of spectra
            spectra = self.stft(fixed(waves.float(), self.stft.hop * self.side))[..., 1:]
            return (self.bands(spectra.abs()) + FLOOR).log()


class SpectrumImages(Images):
    """The transform's own bins, without that of the Nyquist frequency, which comes back as 0 (SpecGAN).

    With 16,384 samples and a side of 128 these are transforms of 256 samples, 128 apart.
    """

    def __init__(self, samples: int = 16384, side: int = 128, iterations: int = 16) -> None:
        super().__init__(samples, side, 2 * side, iterations)

    def bands(self, magnitudes: Tensor) -> Tensor:
        return magnitudes[:, :-1]

    def magnitudes(self, bands: Tensor) -> Tensor:
        return F.pad(bands, (0, 0, 0, 1))


class MelImages(Images):
    """Sums of magnitudes under mel filters; they come back as magnitudes with nearly these sums (`spectra_under`).

    Args:
        sample_rate: of the waveforms; the filters go from 0 to half of it.
        n_fft: the smallest power of two from three hops on, where it is not given.
    """

    def __init__(
        self, sample_rate: int, samples: int, side: int, n_fft: int | None = None, iterations: int = 16
    ) -> None:
        hop = samples // side
        super().__init__(samples, side, 1 << (3 * hop - 1).bit_length() if n_fft is None else n_fft, iterations)
        bank = torch.as_tensor(kaldi_bank(sample_rate, self.stft.n_fft, side, 0.0, sample_rate / 2))
        # No filter holds the Nyquist frequency.
        self.register_buffer("bank", F.pad(bank, (0, 0, 0, 1)).float(), persistent=False)

    def bands(self, magnitudes: Tensor) -> Tensor:
        return self.bank.t() @ magnitudes

    def magnitudes(self, bands: Tensor) -> Tensor:
        return spectra_under(bands.transpose(1, 2), self.bank).transpose(1, 2)


def fixed(waves: Tensor, samples: int) -> Tensor:
    """Waves [B, T] cut at their end, or with zeros behind it: [B, samples]."""
    return F.pad(waves[:, :samples], (0, max(samples - waves.shape[1], 0)))
