"""One batch of mixtures of several speakers, with the parts that they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nrsr.data.batch import TrainingBatch, pad


@dataclass(frozen=True)
class MixtureExample:
    """One mixture.

    Attributes:
        id: utterance id.
        wave: float32 [T].
        sources: what each speaker says alone, at its level in the mixture, float32 [K, T].
        noise: the noise alone, float32 [T], or None where the directory does not tell it.
    """

    id: str
    wave: np.ndarray
    sources: np.ndarray
    noise: np.ndarray | None


@dataclass(frozen=True)
class MixtureBatch(TrainingBatch):
    """Mixtures padded with zeros to the longest one.

    Attributes:
        waves: float32 [B, T]; sources and noise add up to it, to within the rounding of stored audio.
        lengths: samples of each mixture, int64 [B].
        sources: float32 [B, K, T].
        noise: float32 [B, T], or None where the directory has no noise1.scp.
    """

    waves: Tensor
    lengths: Tensor
    sources: Tensor
    noise: Tensor | None


def collate_mixtures(examples: Sequence[MixtureExample]) -> MixtureBatch:
    """Pad and stack mixtures of equally many speakers."""
    lengths = [len(example.wave) for example in examples]
    longest = max(lengths)
    sources = torch.zeros(len(examples), len(examples[0].sources), longest)
    for row, example in zip(sources, examples, strict=True):
        row[:, : len(example.wave)] = torch.from_numpy(example.sources)
    noise = [example.noise for example in examples]
    return MixtureBatch(
        ids=[example.id for example in examples],
        waves=pad([example.wave for example in examples], longest, torch.float32),
        lengths=torch.tensor(lengths),
        sources=sources,
        noise=None if any(part is None for part in noise) else pad(noise, longest, torch.float32),
    )
