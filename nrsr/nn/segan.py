"""Generator and discriminator of SEGAN (Pascual, Bonafonte, Serrà, Interspeech 2017; arXiv 1703.09452)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.same_padding import SameConv1d, SameConvTranspose1d
from nrsr.nn.virtual_batch_norm import Moments, VirtualBatchNorm, batch_moments, example_moments
from nrsr.signal.precision import in_float32

CHANNELS = (16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 1024)


class SeganGenerator(nn.Module):
    """A noisy window to an enhanced one: strided convolutions down, transposed ones up, with skip connections.

    A skip is what a layer gives before its activation, and is concatenated to the activated output of the mirrored
    layer. PReLUs start at 0, the last activation is tanh, and there is no normalisation.

    Args:
        channels: of the encoder's layers; each layer halves the length.
        kernel: odd length of all convolutions.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, kernel: int = 31) -> None:
        super().__init__()
        check_sizes(channels, kernel)
        self.channels = tuple(channels)
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
        self.apply(truncated_normal_)

    def latent(self, windows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Standard normal z [B, channels[-1], T / 2^layers] for windows [B, T]."""
        shape = len(windows), self.channels[-1], windows.shape[1] >> len(self.channels)
        return torch.randn(shape, device=windows.device, dtype=windows.dtype, generator=generator)

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

    def forward(self, pairs: Tensor, reference: Tensor | None = None, frozen: bool = False) -> Tensor:
        """Pairs [B, 2, T] to scores [B].

        Args:
            reference: the reference batch [R, 2, T] of virtual batch normalisation; None normalises the pairs with
                their own batch's moments, as the released code does with the real batch, its reference.
            frozen: take the new moments from each example alone, so that a score does not depend on the rest of the
                batch (as virtual batch normalisation is usually defined); the released code takes the batch's.
        """
        count = 0 if reference is None else len(reference)
        hidden = pairs if reference is None else torch.cat([reference, pairs])
        for layer, norm in zip(self.layers, self.norms, strict=True):
            hidden = layer(hidden)
            with in_float32(hidden):
                hidden = F.leaky_relu(_normalised(norm, hidden.float(), count, frozen), 0.3)
        return self.out(self.squeeze(hidden[count:]).squeeze(1)).squeeze(1)


def _normalised(norm: VirtualBatchNorm, hidden: Tensor, count: int, frozen: bool) -> Tensor:
    """The reference examples, which come first, by their own moments; the others by both."""
    if not count:
        return norm(hidden, batch_moments(hidden), None, 0)
    moments = batch_moments(hidden[:count])
    new: Moments = example_moments(hidden[count:]) if frozen else batch_moments(hidden[count:])
    return torch.cat([norm(hidden[:count], moments, None, 0), norm(hidden[count:], new, moments, count)])


def check_sizes(channels: Sequence[int], kernel: int) -> None:
    """Refuse an encoder without layers and an even kernel.

    Raises:
        ConfigError: either of them.
    """
    if not channels or min(channels) < 1:
        raise ConfigError(f"system: channels {list(channels)} must be one or more positive numbers")
    if kernel < 3 or kernel % 2 == 0:
        raise ConfigError(f"system: kernel {kernel} must be an odd number, 3 or more")


def truncated_normal_(module: nn.Module) -> None:
    """Start the weights of a layer at N(0, 0.02^2) cut at two deviations, and its bias at 0."""
    if isinstance(module, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
