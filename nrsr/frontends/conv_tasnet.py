"""Conv-TasNet (Luo & Mesgarani, IEEE/ACM TASLP 27(8), 2019) as a front-end: a mask on a learned representation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.frontends.frontend import FrontEnd
from nrsr.nn import TemporalConvNet
from nrsr.nn.si_snr import si_snr
from nrsr.signal.masks import zero_padding
from nrsr.signal.precision import in_float32


class ConvTasNet(FrontEnd):
    """enhanced = decoder(M ⊙ encoder(x)): linear encoder and decoder of half-overlapping windows, M by a TCN.

    The paper's network with one output; the defaults are its best sizes (N, L, B, H, Sc, P, X, R = 512, 16, 128, 512,
    128, 3, 8, 3, global layer normalisation, sigmoid mask, for 8 kHz). Normalisation statistics are those of an
    utterance's own frames, and convolutions see zeros past its end, so padding changes nothing. Encoder and decoder
    start as an orthonormal basis and its inverse (where filters >= window), where the paper's are random: so a
    recogniser behind it is trained on speech from the first step on. The loss does not determine level and sign; only
    the recogniser's loss sets them.

    Args:
        sample_rate: in Hz (given by the program).
        filters: of the encoder (N).
        window: of the encoder in samples (L), an even number; the hop is half of it.
        bottleneck, hidden, skip, kernel, blocks, stacks: see `TemporalConvNet`.
        limit: of the SI-SNR in the loss, in dB either way (see `si_snr`).

    Raises:
        ConfigError: an odd window or an even kernel.
    """

    def __init__(
        self,
        sample_rate: int,
        filters: int = 512,
        window: int = 16,
        bottleneck: int = 128,
        hidden: int = 512,
        skip: int = 128,
        kernel: int = 3,
        blocks: int = 8,
        stacks: int = 3,
        limit: float = 30.0,
    ) -> None:
        super().__init__()
        if window < 2 or window % 2:
            raise ConfigError(f"system.frontend: window {window} must be an even number of samples, at least 2")
        self.sample_rate, self.hop, self.limit = sample_rate, window // 2, limit
        self.encoder = nn.Conv1d(1, filters, window, self.hop, bias=False)
        self.network = TemporalConvNet(filters, filters, bottleneck, hidden, skip, kernel, blocks, stacks)
        self.decoder = nn.ConvTranspose1d(filters, 1, window, self.hop, bias=False)
        nn.init.orthogonal_(self.encoder.weight)
        with torch.no_grad():
            # The transpose undoes orthonormal filters; the half is for the two windows that hold a sample.
            self.decoder.weight.copy_(0.5 * self.encoder.weight)

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See `FrontEnd`; the loss of an utterance is its negative SI-SNR in dB, between -limit and limit."""
        size = waves.shape[1]
        # One hop of zeros before, one at least behind: windows 0, 1, ... of which two hold any sample.
        padded = F.pad(zero_padding(waves, lengths), (self.hop, self.hop + -size % self.hop))
        with in_float32(waves):  # eight bits would put a floor of noise under every waveform
            encoded = self.encoder(padded.unsqueeze(1))
        frames = (lengths + self.hop - 1) // self.hop + 1
        masked = self.network(encoded, frames).float().sigmoid() * encoded
        with in_float32(waves):
            enhanced = self.decoder(masked).squeeze(1)[:, self.hop : self.hop + size]
        enhanced = zero_padding(enhanced, lengths)
        if clean is None:
            return enhanced, None
        return enhanced, -si_snr(enhanced, clean, lengths, self.limit)
