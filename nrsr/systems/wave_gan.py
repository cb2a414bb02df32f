"""WaveGAN: waveforms without any spectrogram (Donahue, McAuley, Puckette, ICLR 2019; arXiv 1802.04208)."""

from typing import Any

from torch import Tensor

from nrsr.nn.images import fixed
from nrsr.nn.wavegan import WaveGanDiscriminator, WaveGanGenerator
from nrsr.signal.stft import STFT
from nrsr.systems.adversarial import Adversarial
from nrsr.systems.spec_gan import WASSERSTEIN

FLOOR = 1e-2  # added to magnitudes before the logarithm: white noise at -60 dB


class WaveGan(Adversarial):
    """The paper's networks; with labels (`data.labels`), a conditional one, which is ours.

    With labels the generator's random numbers have the label beside them as a one-hot vector, and the discriminator's
    input has a channel for each label, all 1 in the example's own.

    Args:
        sample_rate, classes: given by the program.
        samples: of a waveform: 64, 128, ..., 65536. The paper's widths for 32,768 and 65,536 come by themselves.
        latent: random numbers.
        width: channels of the layers next to the waveform.
        shuffle: largest shift of phase shuffle in samples, 0 for none.
        objective: the slot of an `Objective`; the paper's needs the loss "penalty" with the weight 10 beside it.

    Raises:
        ConfigError: a length that the layers do not give, or a shift that cannot be.
    """

    def __init__(
        self,
        sample_rate: int,
        classes: dict[str, list[str]] | None = None,
        samples: int = 16384,
        latent: int = 100,
        width: int = 64,
        shuffle: int = 2,
        objective: dict[str, Any] = WASSERSTEIN,
    ) -> None:
        labels = sum(map(len, (classes or {}).values()))
        generator = WaveGanGenerator(samples, latent, width, labels)
        discriminator = WaveGanDiscriminator(samples, width, shuffle, labels)
        super().__init__(sample_rate, samples, generator, discriminator, objective, classes)
        self.stft = STFT(256, 128)

    def represent(self, waves: Tensor) -> Tensor:
        return fixed(waves, self.length)

    def sound(self, examples: Tensor) -> Tensor:
        return examples

    def compared(self, examples: Tensor) -> Tensor:
        """Logarithms of spectra, since the ear does not hear phases."""
        return (self.stft(examples.float()).abs() + FLOOR).log().flatten(1)
