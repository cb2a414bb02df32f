"""Generator and discriminator of SEGAN (Pascual, Bonafonte, Serrà, Interspeech 2017; arXiv 1703.09452)."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.same_padding import SameConv1d, SameConvTranspose1d
from nrsr.nn.virtual_batch_norm import Moments, VirtualBatchNorm, batch_moments, example_moments
from nrsr.signal.precision import in_float32

CHANNELS = (16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 1024)
STD = 0.02


class SeganGenerator(nn.Module):
    """A noisy window to an enhanced one: strided convolutions down, transposed ones up, with skip connections.

    A skip is what a layer gives before its activation, and is concatenated to the activated output of the mirrored
    layer. PReLUs start at 0, the last activation is tanh, and there is no normalisation.

    Args:
        channels: of the encoder's layers; each layer halves the length.
        kernel: odd length of all convolutions.
        std: standard deviation of the first weights; narrow layers learn faster from larger ones.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, kernel: int = 31, std: float = STD) -> None:
        super().__init__()
        check_sizes(channels, kernel)
        if not std > 0.0:
            raise ConfigError(f"system: std {std} must be above 0")
        self.channels, self.kernel = tuple(channels), kernel
        inputs = [1, *channels[:-1]]
        self.encoder = nn.ModuleList(
            SameConv1d(inside, outside, kernel, 2) for inside, outside in zip(inputs, channels, strict=True)
        )
        self.encoder_activations = nn.ModuleList(nn.PReLU(width, init=0.0) for width in channels)
        self.decoder = nn.ModuleList(
            SameConvTranspose1d(2 * inside, outside, kernel, 2)
            for inside, outside in zip(reversed(channels), reversed(inputs), strict=True)
        )
        self.decoder_activations = nn.ModuleList(nn.PReLU(width, init=0.0) for width in reversed(channels[:-1]))
        self.apply(partial(truncated_normal_, std=std))

    def latent(self, windows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Standard normal z [B, channels[-1], T / 2^layers] for windows [B, T], drawn where the generator is."""
        shape = len(windows), self.channels[-1], windows.shape[1] >> len(self.channels)
        device = windows.device if generator is None else generator.device
        return torch.randn(shape, device=device, dtype=windows.dtype, generator=generator).to(windows.device)

    def forward(self, windows: Tensor, latent: Tensor) -> Tensor:
        """Windows [B, T], T a multiple of 2^layers, and z to enhanced windows [B, T] in (-1, 1)."""
        hidden, skips = windows.unsqueeze(1), []
        for layer, activation in zip(self.encoder, self.encoder_activations, strict=True):
            skips.append(layer(hidden))
            hidden = activation(skips[-1])
        hidden = torch.cat([latent, hidden], dim=1)
        for layer, activation, skip in zip(self.decoder, self.decoder_activations, skips[-2::-1], strict=False):
            hidden = torch.cat([activation(layer(hidden)), skip], dim=1)
        return self.decoder[-1](hidden).squeeze(1).tanh()


class Reference(NamedTuple):
    """What the discriminator's virtual batch normalisation takes from a reference batch.

    Attributes:
        moments: of each layer.
        count: examples.
    """

    moments: list[Moments]
    count: Tensor | int


class SeganDiscriminator(nn.Module):
    """Scores pairs of a clean or enhanced window and the noisy one; each layer has virtual batch normalisation.

    Args:
        channels, kernel: as the generator's.
        window: samples of a window, a multiple of 2^layers.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, kernel: int = 31, window: int = 16384) -> None:
        super().__init__()
        check_sizes(channels, kernel)
        if window < 1 or window % (1 << len(channels)):
            raise ConfigError(f"system: window {window} must be a multiple of {1 << len(channels)} (2 to the layers)")
        inputs = [2, *channels[:-1]]
        self.layers = nn.ModuleList(
            SameConv1d(inside, outside, kernel, 2) for inside, outside in zip(inputs, channels, strict=True)
        )
        self.norms = nn.ModuleList(VirtualBatchNorm(width) for width in channels)
        self.squeeze = nn.Conv1d(channels[-1], 1, 1, bias=False)
        self.out = nn.Linear(window >> len(channels), 1)
        self.apply(truncated_normal_)

    def reference(self, pairs: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Reference]:
        """Scores [R] of a reference batch [R, 2, T], normalised by its own moments, and what other pairs need of it.

        Args:
            weights: what each example counts in the moments [R], 1 by default.
        """
        hidden, moments = pairs, []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            hidden = layer(hidden)
            with in_float32(hidden):
                moments.append(batch_moments(hidden.float(), weights))
                hidden = F.leaky_relu(norm(hidden.float(), moments[-1], None, 0), 0.3)
        return self._scores(hidden), Reference(moments, len(pairs) if weights is None else weights.sum())

    def forward(self, pairs: Tensor, reference: Reference, weights: Tensor | None = None) -> Tensor:
        """Pairs [B, 2, T] to scores [B].

        Args:
            reference: of `reference()`, with the weights of the same step.
            weights: what each pair counts in the new moments [B], which are those of the whole batch as in the released
                code. None takes the moments of each pair alone, so that its score does not depend on the others, as
                virtual batch normalisation is usually defined.
        """
        hidden = pairs
        for layer, norm, moments in zip(self.layers, self.norms, reference.moments, strict=True):
            hidden = layer(hidden)
            with in_float32(hidden):
                hidden = hidden.float()
                new = example_moments(hidden) if weights is None else batch_moments(hidden, weights)
                hidden = F.leaky_relu(norm(hidden, new, moments, reference.count), 0.3)
        return self._scores(hidden)

    def _scores(self, hidden: Tensor) -> Tensor:
        return self.out(self.squeeze(hidden).squeeze(1)).squeeze(1).float()


def check_sizes(channels: Sequence[int], kernel: int) -> None:
    """Refuse an encoder without layers and an even kernel.

    Raises:
        ConfigError: either of them.
    """
    if not channels or min(channels) < 1:
        raise ConfigError(f"system: channels {list(channels)} must be one or more positive numbers")
    if kernel < 3 or kernel % 2 == 0:
        raise ConfigError(f"system: kernel {kernel} must be an odd number, 3 or more")


def truncated_normal_(module: nn.Module, std: float = STD) -> None:
    """Start the weights of a layer at N(0, std^2) cut at two deviations, and its bias at 0."""
    if isinstance(module, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
