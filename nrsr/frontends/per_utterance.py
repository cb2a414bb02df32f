"""The base of front-ends from the shelf: a trained model on each utterance by itself, at the model's own rate."""

from abc import abstractmethod

import numpy as np
import soxr
import torch
from torch import Tensor

from nrsr.frontends.frontend import FrontEnd

TAIL = (
    0.02  # seconds of zeros after an utterance, so that the shortest one has a sample at any rate, and resampling ends
)


class PerUtterance(FrontEnd):
    """enhanced = f(x), with f on the host; x is resampled to the rate of f and back, and the lag of f is taken off.

    Nothing is trained: there are no parameters, no loss, and no gradient flows through. A recogniser behind it can be
    trained with its own loss. What lies above half the model's rate is lost.

    Attributes:
        model_rate: samples a second of f.
        lag: samples at that rate by which f is late.
    """

    model_rate: int
    lag: int = 0

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate

    @abstractmethod
    def process(self, wave: np.ndarray) -> np.ndarray:
        """f of one utterance, float32 [M] at `model_rate`: [M] or more samples, the first `lag` of them too early."""

    @torch.no_grad()
    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, None]:
        """See `FrontEnd`; waveforms on a GPU come to the host and go back."""
        enhanced = np.zeros(waves.shape, np.float32)
        for row, wave, length in zip(enhanced, waves.float().cpu().numpy(), lengths.tolist(), strict=True):
            row[:length] = self._enhanced(wave[:length])
        return torch.from_numpy(enhanced).to(waves.device), None

    def _enhanced(self, wave: np.ndarray) -> np.ndarray:
        """One utterance [T] at `sample_rate`, enhanced."""
        if not wave.any():  # models may answer silence with a faint noise of their own
            return wave
        padded = np.pad(wave, (0, round(TAIL * self.sample_rate)))
        given = np.pad(soxr.resample(padded, self.sample_rate, self.model_rate), (0, self.lag))
        answer = self.process(given)[self.lag : len(given)]
        return soxr.resample(answer, self.model_rate, self.sample_rate)[: len(wave)]
