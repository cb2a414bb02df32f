"""What every feature extractor does: padded batches of waveforms to padded batches of features."""

from abc import ABC, abstractmethod
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.errors import NrsrError
from nrsr.signal.masks import zero_padding
from nrsr.signal.precision import in_float32


class FeatureError(NrsrError):
    """Options of a feature extractor that contradict each other or the sampling rate."""


class FeatureExtractor(nn.Module, ABC):
    """Waveforms in ±1 to features; differentiable, so that a front-end can be trained through it.

    Attributes:
        sample_rate: of the waveforms, in Hz.
        dim: features per frame.
        half_precision: whether `extract` may run in mixed precision, where the training has it.
    """

    sample_rate: int
    dim: int
    half_precision = False

    @abstractmethod
    def frames(self, lengths: Tensor) -> Tensor:
        """Number of frames of utterances of so many samples; 0 where an utterance is too short for one."""

    @abstractmethod
    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """Features [B, frames(T), dim], at least one frame; what frames past an utterance's end hold does not matter.

        `waves` may hold anything past an utterance's end, and no valid frame may depend on it.
        """

    def forward(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a batch.

        Args:
            waves: [B, T] samples in ±1; those past an utterance's end are ignored.
            lengths: [B] samples of each utterance, at most T.

        Returns:
            features [B, N, dim], zero past an utterance's end, and the frames [B] of each utterance.
            Neither padding nor the other utterances change an utterance's frames (the draws of dither aside).
        """
        # A front-end may give half precision, double stays what it is.
        waves = waves.to(torch.promote_types(waves.dtype, torch.float32))
        if int(self.frames(torch.tensor(waves.shape[1]))) == 0:
            return waves.new_zeros(len(waves), 0, self.dim), self.frames(lengths)
        # Mixed precision stays out: power spectra leave float16's range, and bfloat16 has too few digits for them.
        with nullcontext() if self.half_precision else in_float32(waves):
            features = self.extract(waves, lengths)
        frames = self.frames(lengths)
        return zero_padding(features, frames), frames

    def definition(self) -> dict[str, float | str | bool]:
        """All on which the numbers depend, by name; stored beside features that only fit what was trained on them.

        Nothing by default, and then nothing is stored.
        """
        return {}

    @torch.no_grad()
    def compute(self, wave: np.ndarray) -> np.ndarray:
        """Features [N, dim] of one waveform [T], as float32; N is 0 where it is too short for a frame."""
        waves = torch.as_tensor(np.asarray(wave, dtype=np.float32)).unsqueeze(0)
        features, _ = self(waves, torch.tensor([waves.shape[1]]))
        return features[0].numpy()
