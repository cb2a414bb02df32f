"""SpecGAN: log spectrograms of 128 x 128 (Donahue, McAuley, Puckette, ICLR 2019; arXiv 1802.04208)."""

from typing import Any

from nrsr.nn.images import SpectrumImages
from nrsr.nn.specgan import SIDE, SpecGanDiscriminator, SpecGanGenerator
from nrsr.systems.image_gan import ImageGan

WASSERSTEIN = {"class": "nrsr.nn.adversarial.Wasserstein"}


class SpecGan(ImageGan):
    """The paper's networks and transform; for 16,384 samples it has 256 of them, 128 apart.

    For other lengths the hop is samples // 128, and the transform stays.

    Args:
        sample_rate: given by the program.
        samples: of a waveform, 16384 or fewer.
        latent: random numbers.
        width: channels of the layers next to the images.
        iterations: of Griffin and Lim's algorithm.
        objective: the slot of an `Objective`; the paper's needs the loss "penalty" with the weight 10 beside it.
    """

    def __init__(
        self,
        sample_rate: int,
        samples: int = 16384,
        latent: int = 100,
        width: int = 64,
        iterations: int = 16,
        objective: dict[str, Any] = WASSERSTEIN,
    ) -> None:
        images = SpectrumImages(samples, SIDE, iterations)
        super().__init__(sample_rate, images, SpecGanGenerator(latent, width), SpecGanDiscriminator(width), objective)
