"""Generator and discriminator of WaveGAN (Donahue, McAuley, Puckette, ICLR 2019; arXiv 1802.04208)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.same_padding import SameConv1d, SameConvTranspose1d, tensorflow_start_

KERNEL = 25
FIRST = 16  # samples that the first layer gives
SHUFFLED = 4  # layers of the discriminator that are followed by phase shuffle


def strides(samples: int) -> list[int]:
    """The layers' strides for a length: as many fours as fit into samples / 16, and a last two where one is left.

    Raises:
        ConfigError: a length that is not 16 times a power of 2, or under 64.
    """
    factor = samples // FIRST
    if samples % FIRST or factor < 4 or factor & (factor - 1):
        raise ConfigError(f"system: {samples} samples must be 64, 128, 256, ..., 16384, 32768 or 65536")
    bits = factor.bit_length() - 1
    return [4] * (bits // 2) + [2] * (bits % 2)


class WaveGanGenerator(nn.Module):
    """z in (-1, 1) to a waveform: a linear layer, then transposed convolutions of 25 samples.

    With the published widths 16,384 samples have 1024 channels at the narrowest point, 32,768 and 65,536 have 2048.

    Args:
        samples: of a waveform.
        latent: values of z.
        width: channels of the layer before the last; they double in each layer before it.
        labels: classes to choose from, 0 for none; with labels z is concatenated with a one-hot vector.
    """

    def __init__(self, samples: int = 16384, latent: int = 100, width: int = 64, labels: int = 0) -> None:
        super().__init__()
        steps = strides(samples)
        self.samples, self.latent, self.labels = samples, latent, labels
        widths = [width << place for place in reversed(range(len(steps)))]
        self.first = nn.Linear(latent + labels, FIRST * widths[0])
        self.layers = nn.ModuleList(
            SameConvTranspose1d(inside, outside, KERNEL, step)
            for inside, outside, step in zip(widths, [*widths[1:], 1], steps, strict=True)
        )
        self.apply(tensorflow_start_)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Uniform z [count, latent]."""
        return 2.0 * torch.rand(count, self.latent, device=device, generator=generator) - 1.0

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """z [B, latent] and, with labels, classes int64 [B] to waveforms [B, T] in (-1, 1)."""
        if self.labels:
            latent = torch.cat([latent, F.one_hot(labels, self.labels).to(latent.dtype)], dim=1)
        hidden = self.first(latent).unflatten(1, (-1, FIRST))
        for layer in self.layers:
            hidden = layer(hidden.relu())
        return hidden.squeeze(1).tanh()


class WaveGanDiscriminator(nn.Module):
    """A waveform to a score: convolutions of 25 samples, phase shuffle, no normalisation.

    Args:
        samples: of a waveform.
        width: channels of the first layer; they double in each layer.
        shuffle: largest shift of phase shuffle in samples, 0 for none.
        labels: classes, 0 for none; with labels the input has one more channel for each, 1 in the class's own
            throughout.

    Raises:
        ConfigError: a length that the layers do not take, or a shift below 0 or as long as the shortest feature maps.
    """

    def __init__(self, samples: int = 16384, width: int = 64, shuffle: int = 2, labels: int = 0) -> None:
        super().__init__()
        steps = strides(samples)
        if not 0 <= shuffle < 2 * FIRST:
            raise ConfigError(f"system: shuffle {shuffle} must be a number of samples from 0 to {2 * FIRST - 1}")
        self.shuffle, self.labels = shuffle, labels
        widths = [1 + labels, *(width << place for place in range(len(steps)))]
        self.layers = nn.ModuleList(
            SameConv1d(inside, outside, KERNEL, step)
            for inside, outside, step in zip(widths[:-1], widths[1:], steps, strict=True)
        )
        self.out = nn.Linear(FIRST * widths[-1], 1)
        self.apply(tensorflow_start_)

    def forward(self, waves: Tensor, labels: Tensor | None = None) -> Tensor:
        """Waveforms [B, T] and, with labels, classes int64 [B] to scores [B]."""
        hidden = waves.unsqueeze(1)
        if self.labels:
            planes = F.one_hot(labels, self.labels).to(waves.dtype).unsqueeze(2).expand(-1, -1, waves.shape[1])
            hidden = torch.cat([hidden, planes], dim=1)
        for place, layer in enumerate(self.layers):
            hidden = F.leaky_relu(layer(hidden), 0.2)
            if self.shuffle and place < SHUFFLED and place + 1 < len(self.layers):
                hidden = phase_shuffle(hidden, int(torch.randint(-self.shuffle, self.shuffle + 1, ())))
        return self.out(hidden.flatten(1)).squeeze(1)


def phase_shuffle(hidden: Tensor, shift: int) -> Tensor:
    """Feature maps [B, C, N] moved right by `shift` samples (left below 0), what is missing reflected at the edge."""
    if shift == 0:
        return hidden
    padded = F.pad(hidden, (max(shift, 0), max(-shift, 0)), mode="reflect")
    return padded[..., max(-shift, 0) : max(-shift, 0) + hidden.shape[-1]]
