"""The masking BLSTM of the gradient-remedy paper (Hu et al., ICASSP 2023): a mask on the noisy spectrum."""

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.frontends.spectral_mask import SpectralMask
from nrsr.nn import Blstm
from nrsr.nn.dropout import Dropout

MASKS = {"relu": torch.relu, "sigmoid": torch.sigmoid}


class MaskBlstm(SpectralMask):
    """M from a BLSTM on the normalised magnitude of X; loss and resynthesis are those of `SpectralMask`.

    The defaults are the published sizes (3 x 896, RATS).

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
        super().__init__(sample_rate, n_fft, hop)
        if mask not in MASKS:
            raise ConfigError(f"system.frontend: mask {mask!r} is neither 'relu' nor 'sigmoid'")
        self.blstm = Blstm(self.stft.bins, width, layers, dropout)
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(2 * width, self.stft.bins)
        self.activation = MASKS[mask]

    def scale(self, magnitudes: Tensor) -> Tensor:
        """Magnitudes as they are."""
        return magnitudes

    def mask(self, magnitudes: Tensor, frames: Tensor) -> Tensor:
        hidden = self.blstm(self.norm(self.scale(magnitudes)), frames)
        return self.activation(self.linear(self.dropout(hidden)))
