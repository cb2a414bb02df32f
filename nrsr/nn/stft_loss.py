"""Losses between generated and real waveforms: STFTs of several resolutions, and discriminators' feature maps."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.signal.precision import in_float32

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))


class SpectralLosses(NamedTuple):
    """Losses [B] of each waveform, or [] of a batch, means over resolutions."""

    convergence: Tensor
    magnitude: Tensor


class MultiResolutionStft(nn.Module):
    """Spectral convergence ||X - Y||_F / ||X||_F and mean |ln|X| - ln|Y||, of each waveform or of a batch.

    From Yamamoto, Song, Kim (ICASSP 2020), equations 4 to 8. X is the real, Y the generated waveform's STFT (Hann
    window, reflected at the ends). Parallel WaveGAN's maintained implementation and auraloss take the norms over the
    whole batch, so that a crop counts by its level; with norms of each crop the quietest ones dominate the gradient.

    Args:
        resolutions: (n_fft, hop, window) in samples of each STFT.
        floor: least power before root and logarithm.

    Raises:
        ConfigError: no resolutions, or sizes that no transform can have.
    """

    def __init__(self, resolutions: Sequence[Sequence[int]] = RESOLUTIONS, floor: float = 1e-7) -> None:
        super().__init__()
        if not resolutions or not all(map(is_resolution, resolutions)):
            raise ConfigError(
                f"system.resolutions: {list(resolutions)}: give [n_fft, hop, window] in samples, each at least 1, for "
                "each STFT; no window is longer than its n_fft"
            )
        self.resolutions, self.floor = [tuple(sizes) for sizes in resolutions], floor
        for place, (_, _, window) in enumerate(self.resolutions):
            self.register_buffer(f"window{place}", torch.hann_window(window), persistent=False)

    @property
    def shortest(self) -> int:
        """Waveforms must have more samples than this, half the longest transform, to be mirrored at the ends."""
        return max(n_fft for n_fft, _, _ in self.resolutions) // 2

    def magnitudes(self, waves: Tensor, place: int) -> Tensor:
        """Magnitudes [B, F, N] of waves [B, T] at one resolution."""
        n_fft, hop, window = self.resolutions[place]
        taper = getattr(self, f"window{place}")
        spectra = torch.stft(waves, n_fft, hop, window, taper, pad_mode="reflect", return_complex=True)
        return (spectra.real.square() + spectra.imag.square()).clamp_min(self.floor).sqrt()

    def forward(self, generated: Tensor, real: Tensor, joint: bool = False) -> SpectralLosses:
        """Losses of waveforms [B, T] against real ones, each longer than half the longest transform.

        Args:
            joint: take norms and means over the whole batch, as in training; otherwise of each waveform.
        """
        over = (0, 1, 2) if joint else (1, 2)
        convergences, magnitudes = [], []
        with in_float32(real):
            for place in range(len(self.resolutions)):
                fake, wanted = self.magnitudes(generated.float(), place), self.magnitudes(real.float(), place)
                convergences.append(vector_norm(wanted - fake, dim=over) / vector_norm(wanted, dim=over))
                magnitudes.append((wanted.log() - fake.log()).abs().mean(over))
        return SpectralLosses(torch.stack(convergences).mean(0), torch.stack(magnitudes).mean(0))


def is_resolution(sizes: Sequence[int]) -> bool:
    """Whether sizes are n_fft, hop and window of an STFT."""
    return len(sizes) == 3 and all(type(size) is int and size > 0 for size in sizes) and sizes[2] <= sizes[0]


def feature_matching(
    generated: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]], every_map: bool = False
) -> Tensor:
    """Mean absolute differences [B] of discriminators' feature maps, summed over the discriminators.

    The layers of a discriminator are averaged, and its scores do not count; MelGAN's weight 4 / (layers + 1) of a layer
    is left to the loss weight (Kumar et al. 2019, equation 3).

    Args:
        generated, real: for each discriminator its maps [B, C, ...], the scores last; no gradient flows into the real
            ones.
        every_map: sum over the layers, scores included, as HiFi-GAN does (Kong et al. 2020, equation 4).
    """
    total: Tensor | float = 0.0
    for ours, theirs in zip(generated, real, strict=True):
        maps = zip(ours, theirs, strict=True) if every_map else zip(ours[:-1], theirs[:-1], strict=True)
        distances = torch.stack(
            [F.l1_loss(fake_map, real_map.detach(), reduction="none").flatten(1).mean(1) for fake_map, real_map in maps]
        )
        total = total + (distances.sum(0) if every_map else distances.mean(0))
    return total
