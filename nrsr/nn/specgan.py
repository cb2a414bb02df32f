"""Generator and discriminator of SpecGAN (Donahue, McAuley, Puckette, ICLR 2019): 128 x 128 log spectrograms."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.nn.same_padding import SameConv2d, SameConvTranspose2d, tensorflow_start_

SIDE = 128
LAYERS = 5
FIRST = SIDE >> LAYERS
KERNEL = 5


class SpecGanGenerator(nn.Module):
    """z in (-1, 1) to a square image in (-1, 1): a linear layer, then five transposed convolutions.

    Args:
        latent: values of z.
        width: channels of the layer before the last; they double in each layer before it.
    """

    def __init__(self, latent: int = 100, width: int = 64) -> None:
        super().__init__()
        self.latent = latent
        widths = [width << place for place in reversed(range(LAYERS))]
        self.first = nn.Linear(latent, FIRST * FIRST * widths[0])
        self.layers = nn.ModuleList(
            SameConvTranspose2d(inside, outside, KERNEL, 2)
            for inside, outside in zip(widths, [*widths[1:], 1], strict=True)
        )
        self.apply(tensorflow_start_)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Uniform z [count, latent]."""
        return 2.0 * torch.rand(count, self.latent, device=device, generator=generator) - 1.0

    def forward(self, latent: Tensor) -> Tensor:
        """z [B, latent] to images [B, 128, 128]."""
        hidden = self.first(latent).unflatten(1, (-1, FIRST, FIRST))
        for layer in self.layers:
            hidden = layer(hidden.relu())
        return hidden.squeeze(1).tanh()


class SpecGanDiscriminator(nn.Module):
    """An image to a score: five convolutions without normalisation.

    Args:
        width: channels of the first layer; they double in each layer.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = [1, *(width << place for place in range(LAYERS))]
        self.layers = nn.ModuleList(
            SameConv2d(inside, outside, KERNEL, 2) for inside, outside in zip(widths[:-1], widths[1:], strict=True)
        )
        self.out = nn.Linear(FIRST * FIRST * widths[-1], 1)
        self.apply(tensorflow_start_)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 128, 128] to scores [B]."""
        hidden = images.unsqueeze(1)
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        return self.out(hidden.flatten(1)).squeeze(1)
