"""The masking BLSTM of the gradient-remedy paper (Hu et al., ICASSP 2023): a mask on the noisy spectrum."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.frontends.frontend import FrontEnd
from nrsr.nn import Blstm, GlobalNorm
from nrsr.nn.masks import valid_mask, zero_padding
from nrsr.signal import STFT

MASKS = {"relu": torch.relu, "sigmoid": torch.sigmoid}


class MaskBlstm(FrontEnd):
    """enhanced = iSTFT(M ⊙ X) with the noisy phase; M from a BLSTM on the normalised magnitude of X.

    The defaults are the published sizes (3 x 896, RATS). Everything is float32 on samples in ±1. An utterance's
    frames are all those that overlap it, so the inverse is exact up to its last sample whatever follows as padding.

    Args:
        sample_rate: in Hz (given by the program).
        n_fft, hop: of the centred Hann STFT, in samples.
        layers, width: BLSTM layers, units per direction.
        mask: "relu" as published, or "sigmoid".
        dropout: between the BLSTM layers and before the linear layer.

    Raises:
        ConfigError: another mask.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int = 512,
        hop: int = 256,
        layers: int = 3,
        width: int = 896,
        mask: str = "relu",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if mask not in MASKS:
            raise ConfigError(f"system.frontend: mask {mask!r} is neither 'relu' nor 'sigmoid'")
        self.sample_rate = sample_rate
        self.stft = STFT(n_fft, hop)
        self.norm = GlobalNorm(self.stft.bins)
        self.blstm = Blstm(self.stft.bins, width, layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * width, self.stft.bins)
        self.activation = MASKS[mask]

    def spectra(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Complex spectra [B, N, F] of waves [B, T], and the frames [B] that overlap each utterance."""
        tail = self.stft.n_fft // 2
        spectra = self.stft(F.pad(zero_padding(waves, lengths), (0, tail))).transpose(1, 2)
        return spectra, (lengths + tail + self.stft.hop - 1) // self.stft.hop

    def mask(self, magnitudes: Tensor, frames: Tensor) -> Tensor:
        """Mask [B, N, F] for magnitudes [B, N, F]."""
        hidden = self.blstm(self.norm(magnitudes), frames)
        return self.activation(self.linear(self.dropout(hidden)))

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
    def observe(self, waves: Tensor, lengths: Tensor) -> None:
        noisy, frames = self.spectra(waves, lengths)
        self.norm.observe(noisy.abs(), frames)
