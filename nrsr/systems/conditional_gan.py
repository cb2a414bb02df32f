"""Conditional GAN: both players know the label (Mirza & Osindero 2014, arXiv 1411.1784)."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from nrsr.nn.images import MelImages
from nrsr.nn.mlp_gan import ConditionalDiscriminator, ConditionalGenerator
from nrsr.systems.adversarial import only_labels
from nrsr.systems.gan import MINIMAX, SIDE, as_images, as_values
from nrsr.systems.image_gan import ImageGan


class ConditionalGan(ImageGan):
    """The paper's networks for images of 784 values; here they are 28 log-mel bands of 28 frames.

    Args:
        sample_rate, classes: given by the program; `data.labels` names the labels.
        samples: of a waveform.
        latent: random numbers.
        widths: of the generator: hidden units for the random numbers, for the label, and of the joint layer.
        example, label, joint: of the discriminator: (units, linear pieces) of its maxout layers.
        n_fft: samples of the transform under the log-mel bands (`MelImages`).
        objective: the slot of an `Objective`.

    Raises:
        ConfigError: no labels.
    """

    def __init__(
        self,
        sample_rate: int,
        classes: dict[str, list[str]] | None = None,
        samples: int = 16384,
        latent: int = 100,
        widths: Sequence[int] = (200, 1000, 1200),
        example: Sequence[int] = (240, 5),
        label: Sequence[int] = (50, 5),
        joint: Sequence[int] = (240, 4),
        n_fft: int | None = None,
        objective: dict[str, Any] = MINIMAX,
    ) -> None:
        labels = only_labels(classes, "ConditionalGan")
        images = MelImages(sample_rate, samples, SIDE, n_fft)
        generator = ConditionalGenerator(len(labels), SIDE * SIDE, latent, tuple(widths))
        discriminator = ConditionalDiscriminator(len(labels), SIDE * SIDE, tuple(example), tuple(label), tuple(joint))
        super().__init__(sample_rate, images, generator, discriminator, objective, classes)

    def fake(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return as_images(self.generator(latent, labels))

    def score(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        return self.discriminator(as_values(examples), labels)
