"""What a system that generates waveforms is, for `nrsr generate`."""

from abc import abstractmethod
from collections.abc import Collection

import torch
from torch import Tensor

from nrsr.config import ConfigError
from nrsr.systems.system import System


class GenerativeSystem(System):
    """Random numbers, and a label where the system takes labels, to waveforms of one length.

    Args:
        sample_rate: of the waveforms.
        samples: of a waveform.
        classes: labels of the training data, which must be of one kind: kind -> its labels; none without labels.

    Attributes:
        length: samples of a waveform.
        kind: of the labels (a key of `data.labels`), None without labels.
        labels: names of the classes; empty without labels.

    Raises:
        ConfigError: several kinds of labels.
    """

    def __init__(self, sample_rate: int, samples: int, classes: dict[str, list[str]] | None = None) -> None:
        super().__init__()
        check_kinds(classes)
        self.sample_rate, self.length = sample_rate, samples
        self.kind = next(iter(classes), None) if classes else None
        self.labels = classes[self.kind] if classes else []

    @property
    def needs_labels(self) -> Collection[str]:
        """The kind of label that training utterances must have, where the system takes labels."""
        return [self.kind] if self.labels else []

    @abstractmethod
    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """The random numbers [count, latent] that `count` waveforms are generated from."""

    @abstractmethod
    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """Waveforms [B, samples] of random numbers [B, latent] and, with labels, classes int64 [B].

        In evaluation mode a waveform does not depend on the others.
        """


def check_kinds(classes: dict[str, list[str]] | None) -> None:
    """Refuse several kinds of labels.

    Raises:
        ConfigError: there are several.
    """
    if classes and len(classes) > 1:
        raise ConfigError(f"data.labels: {', '.join(classes)}; a generator takes one kind of label; name one alone")
