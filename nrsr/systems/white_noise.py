"""White noise instead of a trained generator: the row of a table that any generator must beat."""

from collections.abc import Collection

import torch
from torch import Tensor

from nrsr.data.batch import TrainingBatch
from nrsr.systems.generative import GenerativeSystem
from nrsr.systems.system import LossError


class WhiteNoise(GenerativeSystem):
    """Gaussian noise of one level; it needs no training.

    Args:
        sample_rate: given by the program.
        samples: of a waveform.
        deviation: standard deviation of the samples, full scale being 1.
    """

    def __init__(self, sample_rate: int, samples: int = 16384, deviation: float = 0.05) -> None:
        super().__init__(sample_rate, samples)
        self.deviation = deviation

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(count, self.length, device=device, generator=generator)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return (self.deviation * latent).clamp(-1.0, 1.0)

    def losses(self, batch: TrainingBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        raise LossError("WhiteNoise has nothing to train; generate by its config, nrsr generate --config")

    def validate(self, batch: TrainingBatch) -> dict[str, tuple[Tensor, Tensor]]:
        raise LossError("WhiteNoise has nothing to validate; generate by its config, nrsr generate --config")
