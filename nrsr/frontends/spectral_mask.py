"""The base of front-ends that mask the noisy magnitude spectrum: spectra, statistics and loss."""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from nrsr.frontends.frontend import FrontEnd
from nrsr.nn import GlobalNorm
from nrsr.signal import STFT
from nrsr.signal.masks import valid_mask, zero_padding


class SpectralMask(FrontEnd):
    """enhanced = iSTFT(M ⊙ X) with the noisy phase; a subclass computes M from the magnitude of X.

    Everything is float32 on samples in ±1. An utterance's frames are all those that overlap it, so the inverse is
    exact up to its last sample whatever follows as padding.

    Args:
        sample_rate: in Hz (given by the program).
        n_fft, hop: of the centred Hann STFT, in samples.
    """

    def __init__(self, sample_rate: int, n_fft: int, hop: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.stft = STFT(n_fft, hop)
        self.norm = GlobalNorm(self.stft.bins)

    @abstractmethod
    def scale(self, magnitudes: Tensor) -> Tensor:
        """Magnitudes [B, N, F] on the scale that `norm` normalises."""

    @abstractmethod
    def mask(self, magnitudes: Tensor, frames: Tensor) -> Tensor:
        """Mask [B, N, F] for magnitudes [B, N, F] of which `frames` [B] are valid."""

    def spectra(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Complex spectra [B, N, F] of waves [B, T], and the frames [B] that overlap each utterance."""
        tail = self.stft.n_fft // 2
        spectra = self.stft(F.pad(zero_padding(waves, lengths), (0, tail))).transpose(1, 2)
        return spectra, (lengths + tail + self.stft.hop - 1) // self.stft.hop

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See `FrontEnd`; the loss of an utterance is the sum over t, f of (M|X| - |S|)² by its frames."""
        noisy, frames = self.spectra(waves, lengths)
        magnitudes = noisy.abs()
        mask = self.mask(magnitudes, frames)
        size = waves.shape[1] + self.stft.n_fft // 2
        enhanced = self.stft.inverse((mask * noisy).transpose(1, 2), size)[:, : waves.shape[1]]
        enhanced = zero_padding(enhanced, lengths)
        if clean is None:
            return enhanced, None
        wanted = self.spectra(clean, lengths)[0].abs()
        squares = (mask * magnitudes - wanted).square().sum(2)
        return enhanced, squares.masked_fill(~valid_mask(frames, squares.shape[1]), 0.0).sum(1) / frames

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        noisy, frames = self.spectra(waves, lengths)
        self.norm.accumulate_statistics(self.scale(noisy.abs()), frames)
