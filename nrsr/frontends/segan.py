"""The generator of SEGAN (Pascual, Bonafonte, Serrà, Interspeech 2017) as a front-end."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.frontends.frontend import FrontEnd
from nrsr.nn.half_overlap import half_overlapping, overlap_add
from nrsr.nn.segan import CHANNELS, STD, SeganGenerator
from nrsr.signal.emphasis import deemphasise, emphasise
from nrsr.signal.masks import zero_padding
from nrsr.signal.precision import in_float32

LATENT_SEED = 1703_09452
LARGEST_GAIN = 1000.0  # of a window that is all but silent


class Segan(FrontEnd):
    """Pre-emphasised waveform, cut into windows, through the generator; joined and de-emphasised.

    In training each window has z of its own. In evaluation z is as random, but drawn from a fixed seed and the same for
    all windows, so that a result depends neither on the batch nor on where a long recording is cut. The loss is the
    mean absolute difference of the pre-emphasised waveforms, to which the paper gives the weight 100.

    Args:
        sample_rate: in Hz (given by the program).
        channels, kernel, std: see `SeganGenerator`.
        window: samples of a window, a multiple of 2^layers.
        emphasis: coefficient of pre-emphasis.
        overlap_add: windows overlap by half and are faded into each other, in place of the published windows side by
            side; twice the work.
        level: root mean square to which each noisy pre-emphasised window is scaled for the networks, and the enhanced
            one is scaled back; null leaves the windows as they are, as published. With quiet recordings the L1 loss is
            small, and the gradient that comes through the discriminator is large. The option is ours.

    Raises:
        ConfigError: a window that the layers cannot halve, a coefficient that is not from 0 to below 1, or a level
            that is not above 0.
    """

    def __init__(
        self,
        sample_rate: int,
        channels: Sequence[int] = CHANNELS,
        kernel: int = 31,
        window: int = 16384,
        emphasis: float = 0.95,
        overlap_add: bool = False,
        std: float = STD,
        level: float | None = None,
    ) -> None:
        super().__init__()
        if window < 1 or window % (1 << len(channels)):
            raise ConfigError(
                f"system.frontend: window {window} must be a multiple of {1 << len(channels)} (2 to the layers)"
            )
        if not 0.0 <= emphasis < 1.0:
            raise ConfigError(f"system.frontend: emphasis {emphasis} must lie from 0 to below 1")
        if level is not None and level <= 0.0:
            raise ConfigError(f"system.frontend: level {level} must be above 0; null leaves the windows as they are")
        self.sample_rate, self.window, self.emphasis, self.overlap_add = sample_rate, window, emphasis, overlap_add
        self.level = level
        self.generator = SeganGenerator(channels, kernel, std)

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See `FrontEnd`."""
        emphasised = self.enhance_emphasised(zero_padding(emphasise(waves, self.emphasis), lengths))
        with in_float32(waves):
            enhanced = deemphasise(emphasised.float(), self.emphasis)
        if clean is None:
            return zero_padding(enhanced, lengths), None
        difference = zero_padding(emphasised - emphasise(clean, self.emphasis), lengths)
        return zero_padding(enhanced, lengths), difference.abs().sum(1) / lengths

    def enhance_emphasised(self, waves: Tensor) -> Tensor:
        """Pre-emphasised waveforms [B, T] window by window; no more than a window's padding changes the length."""
        samples = waves.shape[1]
        if not self.overlap_add:
            return self.enhance_windows(self.windows(waves)).flatten(1)[:, :samples]
        half = self.window // 2
        # Half a window of zeros before, so that every sample is in two windows.
        padded = F.pad(waves, (half, half + -samples % half))
        count = padded.shape[1] // half - 1
        windows = self.enhance_windows(half_overlapping(padded.unsqueeze(2), count, self.window).squeeze(3))
        faded = windows * torch.hann_window(self.window, device=waves.device, dtype=windows.dtype)
        return overlap_add(faded.unsqueeze(3)).squeeze(2)[:, half : half + samples]

    def windows(self, waves: Tensor) -> Tensor:
        """Waveforms [B, T] cut into windows side by side [B, N, window], zeros in the last one past the end."""
        return F.pad(waves, (0, -waves.shape[1] % self.window)).unflatten(1, (-1, self.window))

    def gains(self, windows: Tensor) -> Tensor:
        """The gains [..., 1] that bring noisy windows [..., window] to `level`, at most 1000; 1 without a level."""
        if self.level is None:
            return windows.new_ones(*windows.shape[:-1], 1)
        root_mean_square = windows.float().square().mean(-1, keepdim=True).sqrt()
        return (self.level / root_mean_square.clamp_min(1e-10)).clamp_max(LARGEST_GAIN)

    def enhance_windows(self, windows: Tensor) -> Tensor:
        """Noisy pre-emphasised windows [B, N, window] to enhanced ones."""
        gains = self.gains(windows)
        flat = (windows * gains).flatten(0, 1)
        if self.training:
            latent = self.generator.latent(flat)
        else:
            fixed = torch.Generator().manual_seed(LATENT_SEED)
            latent = self.generator.latent(flat[:1], fixed).expand(len(flat), -1, -1)
        return self.generator(flat, latent).unflatten(0, windows.shape[:2]) / gains
