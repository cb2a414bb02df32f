"""GAN: fully connected, as the first one was (Goodfellow et al., NeurIPS 2014; arXiv 1406.2661)."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from nrsr.nn.images import REACH, MelImages
from nrsr.nn.mlp_gan import MlpDiscriminator, MlpGenerator
from nrsr.systems.image_gan import ImageGan

SIDE = 28  # 784 values, the paper's for handwritten digits
MINIMAX = {"class": "nrsr.nn.adversarial.Minimax"}


class Gan(ImageGan):
    """The paper's networks for images of 784 values; here they are 28 log-mel bands of 28 frames.

    Args:
        sample_rate: given by the program.
        samples: of a waveform.
        latent, width: of the generator: random numbers, and units of the hidden layers.
        maxout: of the discriminator: units of its hidden layers, and linear pieces of each.
        n_fft: samples of the transform under the log-mel bands (`MelImages`).
        objective: the slot of an `Objective`; by default the paper's, without saturation.
    """

    def __init__(
        self,
        sample_rate: int,
        samples: int = 16384,
        latent: int = 100,
        width: int = 1200,
        maxout: Sequence[int] = (240, 5),
        n_fft: int | None = None,
        objective: dict[str, Any] = MINIMAX,
    ) -> None:
        images = MelImages(sample_rate, samples, SIDE, n_fft)
        networks = MlpGenerator(SIDE * SIDE, latent, width), MlpDiscriminator(SIDE * SIDE, *maxout)
        super().__init__(sample_rate, images, *networks, objective)

    def fake(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return as_images(self.generator(latent))

    def score(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        return self.discriminator(as_values(examples))


def as_images(values: Tensor) -> Tensor:
    """Values [B, 784] in (0, 1), as the sigmoid gives them, to images [B, 28, 28] in (-1, 1)."""
    return 2.0 * values.unflatten(1, (SIDE, SIDE)) - 1.0


def as_values(images: Tensor) -> Tensor:
    """Images [B, 28, 28] to values [B, 784] of the discriminator: mean and deviation 0.5, as of black and white.

    Digits of ink have most of their values at 0 and 1, and images of sound about their mean.
    """
    return 0.5 * (REACH * images.flatten(1) + 1.0)
