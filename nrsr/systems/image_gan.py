"""Generative adversarial networks over images of sound."""

from typing import Any

import torch
from torch import Tensor, nn

from nrsr.nn.images import Images
from nrsr.systems.adversarial import Adversarial


class ImageGan(Adversarial):
    """A generator of images [B, side, side] in [-1, 1], which become waveforms by Griffin and Lim's algorithm.

    Args:
        images: waveforms to images and back.
        sample_rate, generator, discriminator, objective, classes: as of `Adversarial`.
    """

    def __init__(
        self,
        sample_rate: int,
        images: Images,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: dict[str, Any],
        classes: dict[str, list[str]] | None = None,
    ) -> None:
        super().__init__(sample_rate, images.length, generator, discriminator, objective, classes)
        self.images = images

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate mean and variance of the images' bands."""
        self.images.accumulate_statistics(waves, lengths)

    def represent(self, waves: Tensor) -> Tensor:
        return self.images(waves)

    def sound(self, examples: Tensor) -> Tensor:
        return self.images.inverse(examples)
