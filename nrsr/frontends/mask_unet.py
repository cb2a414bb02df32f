"""A U-Net mask on the noisy log-magnitude spectrum, after Jansson et al. (ISMIR 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.frontends.spectral_mask import SpectralMask
from nrsr.nn import GlobalLayerNorm
from nrsr.signal.masks import valid_mask

# Magnitudes are held above this: about that of the rounding noise of 16 bits under a Hann window of 256 samples.
FLOOR = 1e-4
SLOPE = 0.2  # of the leaky ReLU, as in the paper


class MaskUnet(SpectralMask):
    """M from a U-Net on the normalised log-magnitude of X; loss and resynthesis are those of `SpectralMask`.

    Each level down is a 2-D convolution that halves time and frequency; each level up doubles them, and sees the map
    of the same size from the way down as well (but for the last, which gives the sigmoid mask). Three things differ
    from the paper: levels up are sub-pixel convolutions of 3 x 3 instead of transposed ones, normalisation is over
    each utterance (`GlobalLayerNorm`) instead of over the batch, and maps are zero past an utterance's end, so neither
    padding nor the rest of the batch changes anything. Any number of frames and bins is fine: an odd size n becomes
    (n + 1) / 2.

    Args:
        sample_rate: in Hz (given by the program).
        n_fft, hop: of the centred Hann STFT, in samples.
        channels: of the levels, finest first; the paper's by default.
        kernel: odd size of the convolutions down, along both axes.
        dropout: of whole maps, after the levels up but for the last.

    Raises:
        ConfigError: no channels, or an even kernel.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int = 512,
        hop: int = 256,
        channels: Sequence[int] = (16, 32, 64, 128, 256, 512),
        kernel: int = 5,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(sample_rate, n_fft, hop)
        if not channels:
            raise ConfigError("system.frontend: channels must name at least one level, as [16, 32, 64]")
        if kernel < 3 or kernel % 2 == 0:
            raise ConfigError(f"system.frontend: kernel {kernel} must be an odd number, at least 3")
        shape = {"kernel_size": kernel, "stride": 2, "padding": kernel // 2}
        widths, top = [1, *channels], len(channels)  # channels by how often the spectrum was halved
        self.down = nn.ModuleList(nn.Conv2d(widths[level - 1], widths[level], **shape) for level in range(1, top + 1))
        self.down_norms = nn.ModuleList(GlobalLayerNorm(width) for width in channels)
        self.up = nn.ModuleList(
            nn.Conv2d(widths[level] * (1 if level == top else 2), 4 * widths[level - 1], 3, padding=1)
            for level in range(top, 0, -1)
        )
        self.up_norms = nn.ModuleList(GlobalLayerNorm(widths[level - 1]) for level in range(top, 1, -1))
        self.dropout = nn.Dropout2d(dropout)
        # Channels innermost: twice as fast on a CPU for so few of them. Maps follow the weights.
        self.to(memory_format=torch.channels_last)

    def scale(self, magnitudes: Tensor) -> Tensor:
        """Natural logarithms of magnitudes, from `FLOOR` on."""
        return magnitudes.clamp_min(FLOOR).log()

    def mask(self, magnitudes: Tensor, frames: Tensor) -> Tensor:
        valid = [valid_mask(frames, magnitudes.shape[1]).to(magnitudes.dtype)]
        maps = [self.norm(self.scale(magnitudes)).unsqueeze(1) * valid[0][:, None, :, None]]
        for convolution, norm in zip(self.down, self.down_norms, strict=True):
            valid.append(valid[-1][:, ::2])  # (n + 1) // 2 frames
            maps.append(F.leaky_relu(norm(convolution(maps[-1]), valid[-1]), SLOPE))
        hidden = maps.pop()
        for convolution, norm in zip(self.up, self.up_norms, strict=False):
            beside = maps.pop()
            valid.pop()
            hidden = norm(double(convolution(hidden), beside.shape), valid[-1])
            hidden = torch.cat([self.dropout(F.relu(hidden)), beside], dim=1)
        return double(self.up[-1](hidden), magnitudes.shape).squeeze(1).sigmoid()


def double(maps: Tensor, shape: torch.Size) -> Tensor:
    """Maps [B, 4 C, n, m] to [B, C, N, M], (N, M) the end of `shape`: four channels are four neighbouring points.

    With the convolution before, this is a transposed convolution of stride 2 (Shi et al., CVPR 2016) that runs
    faster on a CPU; the last row or column goes where the finer size is odd.
    """
    doubled = F.pixel_shuffle(maps, 2)[:, :, : shape[-2], : shape[-1]]
    return doubled.contiguous(memory_format=torch.channels_last)
