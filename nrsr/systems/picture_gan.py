"""Generative adversarial networks over pictures of sound."""

from typing import Any

import torch
from torch import Tensor, nn

from nrsr.nn.pictures import Pictures
from nrsr.systems.adversarial import Adversarial


class PictureGan(Adversarial):
    """A generator of pictures [B, side, side] in [-1, 1], which become waveforms by Griffin and Lim's algorithm.

    Args:
        pictures: waveforms to pictures and back.
        sample_rate, generator, discriminator, objective, classes: as of `Adversarial`.
    """

    def __init__(
        self,
        sample_rate: int,
        pictures: Pictures,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: dict[str, Any],
        classes: dict[str, list[str]] | None = None,
    ) -> None:
        super().__init__(sample_rate, pictures.length, generator, discriminator, objective, classes)
        self.pictures = pictures

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate mean and variance of the pictures' bands."""
        self.pictures.accumulate_statistics(waves, lengths)

    def represent(self, waves: Tensor) -> Tensor:
        return self.pictures(waves)

    def sound(self, examples: Tensor) -> Tensor:
        return self.pictures.inverse(examples)
