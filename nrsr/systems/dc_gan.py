"""DCGAN: convolutions over images of 64 x 64 (Radford, Metz, Chintala, ICLR 2016; arXiv 1511.06434)."""

from typing import Any

from torch import Tensor

from nrsr.nn.dcgan import DcGanDiscriminator, DcGanGenerator
from nrsr.nn.images import MelImages
from nrsr.systems.gan import MINIMAX
from nrsr.systems.image_gan import ImageGan

SIDE = 64


class DcGan(ImageGan):
    """The paper's networks with one channel; the images are 64 log-mel bands of 64 frames.

    Args:
        sample_rate: given by the program.
        samples: of a waveform.
        latent: random numbers.
        width: channels of the layers next to the images.
        batch_norm: False leaves batch normalisation out of the discriminator, as a gradient penalty needs it.
        n_fft: samples of the transform under the log-mel bands (`MelImages`).
        objective: the slot of an `Objective`.
    """

    def __init__(
        self,
        sample_rate: int,
        samples: int = 16384,
        latent: int = 100,
        width: int = 64,
        batch_norm: bool = True,
        n_fft: int | None = None,
        objective: dict[str, Any] = MINIMAX,
    ) -> None:
        images = MelImages(sample_rate, samples, SIDE, n_fft)
        networks = DcGanGenerator(latent, width), DcGanDiscriminator(width, batch_norm=batch_norm)
        super().__init__(sample_rate, images, *networks, objective)

    def fake(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return self.generator(latent).squeeze(1)

    def score(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        return self.discriminator(examples.unsqueeze(1))
