"""Networks of ControlGAN (Lee & Seok 2017, arXiv 1708.00598): a labelled image, its discriminator, its classifier."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.nn.same_padding import SameConv2d, SameConvTranspose2d

SIDE = 28
FIRST = 7
KERNEL = 5
STRIDES = (1, 2, 1, 2)  # of the generator's layers


class ControlGenerator(nn.Module):
    """Standard normal z and a label to a square image in (-1, 1): a linear layer, four transposed convolutions 5 x 5.

    Number and size of the layers are the paper's; strides, widths and batch normalisation are ours, as of DCGAN.

    Args:
        labels: classes.
        latent: values of z.
        width: channels of the layer before the last; up to four times as many before it.
    """

    def __init__(self, labels: int, latent: int = 100, width: int = 64) -> None:
        super().__init__()
        self.latent, self.labels = latent, labels
        widths = [4 * width, 4 * width, 2 * width, width]
        self.first = nn.Linear(latent + labels, FIRST * FIRST * widths[0])
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in widths)
        self.layers = nn.ModuleList(
            SameConvTranspose2d(inside, outside, KERNEL, stride)
            for inside, outside, stride in zip(widths, [*widths[1:], 1], STRIDES, strict=True)
        )

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Standard normal z [count, latent]."""
        return torch.randn(count, self.latent, device=device, generator=generator)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        """z [B, latent] and classes int64 [B] to images [B, 28, 28]."""
        given = torch.cat([latent, F.one_hot(labels, self.labels).to(latent.dtype)], dim=1)
        hidden = self.first(given).unflatten(1, (-1, FIRST, FIRST))
        for norm, layer in zip(self.norms, self.layers, strict=True):
            hidden = layer(norm(hidden).relu())
        return hidden.squeeze(1).tanh()


class ImageCritic(nn.Module):
    """An image to scores: four convolutions 5 x 5 with leaky ReLU, then a linear layer; no normalisation.

    With one output it is ControlGAN's discriminator, with one for each class its classifier.

    Args:
        outputs: scores of an image.
        width: channels of the first layer; up to four times as many behind it.
    """

    def __init__(self, outputs: int, width: int = 64) -> None:
        super().__init__()
        widths = [1, width, 2 * width, 4 * width, 4 * width]
        self.layers = nn.ModuleList(
            SameConv2d(inside, outside, KERNEL, stride)
            for inside, outside, stride in zip(widths[:-1], widths[1:], reversed(STRIDES), strict=True)
        )
        self.out = nn.Linear(FIRST * FIRST * widths[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 28, 28] to scores [B, outputs]."""
        hidden = images.unsqueeze(1)
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        return self.out(hidden.flatten(1))
