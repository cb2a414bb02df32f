"""The base of front-ends that mask the noisy magnitude spectrum: spectra, statistics and loss."""

from abc import abstractmethod

import torch
from torch import Tensor

from nrsr.frontends.frontend import FrontEnd
from nrsr.nn import GlobalNorm
from nrsr.signal import STFT
from nrsr.signal.masks import valid_mask


class SpectralMask(FrontEnd):
    """enhanced = iSTFT(M ⊙ X) with the noisy phase; a subclass computes M from the magnitude of X.

    Everything is float32 on samples in ±1. An utterance's frames are all those that overlap it.

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

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See `FrontEnd`; the loss of an utterance is the sum over t, f of (M|X| - |S|)² by its frames."""
        noisy, frames = self.stft.analyse(waves, lengths)
        magnitudes = noisy.abs()
        mask = self.mask(magnitudes, frames)
        enhanced = self.stft.synthesise(mask * noisy, lengths, waves.shape[1])
        if clean is None:
            return enhanced, None
        wanted = self.stft.analyse(clean, lengths)[0].abs()
        squares = (mask * magnitudes - wanted).square().sum(2)
        return enhanced, squares.masked_fill(~valid_mask(frames, squares.shape[1]), 0.0).sum(1) / frames

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        noisy, frames = self.stft.analyse(waves, lengths)
        self.norm.accumulate_statistics(self.scale(noisy.abs()), frames)
