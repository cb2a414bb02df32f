"""Generator and discriminator of DCGAN (Radford, Metz, Chintala, ICLR 2016; arXiv 1511.06434): 64 x 64 images."""

import torch
from torch import Tensor, nn

MULTIPLES = (8, 4, 2, 1)


class DcGanGenerator(nn.Module):
    """Standard normal z to an image in (-1, 1), by transposed convolutions of 4 x 4 with batch normalisation.

    Args:
        latent: values of z.
        width: channels of the layer before the last; up to eight times as many before it.
        channels: of an image.
    """

    def __init__(self, latent: int = 100, width: int = 64, channels: int = 1) -> None:
        super().__init__()
        self.latent = latent
        layers: list[nn.Module] = []
        inside, stride, padding = latent, 1, 0
        for outside in (width * multiple for multiple in MULTIPLES):
            layers += [
                nn.ConvTranspose2d(inside, outside, 4, stride, padding, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(),
            ]
            inside, stride, padding = outside, 2, 1
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(inside, channels, 4, 2, 1, bias=False), nn.Tanh())
        self.apply(dcgan_start_)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Standard normal z [count, latent]."""
        return torch.randn(count, self.latent, device=device, generator=generator)

    def forward(self, latent: Tensor) -> Tensor:
        """z [B, latent] to images [B, channels, 64, 64]."""
        return self.layers(latent[:, :, None, None])


class DcGanDiscriminator(nn.Module):
    """An image to a logit, by strided convolutions of 4 x 4; batch normalisation but in the first and last layer.

    Args:
        width: channels of the first layer; up to eight times as many behind it.
        channels: of an image.
        batch_norm: False leaves the normalisation out, for objectives with a gradient penalty.
    """

    def __init__(self, width: int = 64, channels: int = 1, batch_norm: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = channels
        for outside in (width * multiple for multiple in reversed(MULTIPLES)):
            layers.append(nn.Conv2d(inside, outside, 4, 2, 1, bias=False))
            if batch_norm and len(layers) > 1:
                layers.append(nn.BatchNorm2d(outside))
            layers.append(nn.LeakyReLU(0.2))
            inside = outside
        self.layers = nn.Sequential(*layers, nn.Conv2d(inside, 1, 4, 1, 0, bias=False))
        self.apply(dcgan_start_)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, channels, 64, 64] to logits [B]."""
        return self.layers(images).flatten()


def dcgan_start_(module: nn.Module) -> None:
    """Convolutions start at N(0, 0.02^2), gains of batch normalisation at N(1, 0.02^2)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
