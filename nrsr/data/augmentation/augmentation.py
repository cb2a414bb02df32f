"""What an augmentation is: a change of training utterances, drawn anew each time one is read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.config import ConfigError, build
from nrsr.data.augmentation.signals import Signals
from nrsr.errors import NrsrError
from nrsr.signal.mixing import SilentSpeechError


class AugmentationError(NrsrError):
    """Files that cannot be used for augmentation."""


class Augmentation(ABC):
    """An entry of the list `data.augment`; its arguments are those in the config.

    Training utterances go through the list in its order. Development data are never changed.
    """

    def open(self, directory: Path, rate: int, *, allow_pipes: bool = False) -> None:
        """Open the files that it needs, once, before training begins; nothing by default.

        Args:
            directory: the training data; a relative path in the config starts there.
            rate: samples a second of all audio.
            allow_pipes: let the commands of an scp run.
        """
        return

    @abstractmethod
    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        """The changed audio of an utterance; `rng` is the only source of randomness, and nothing is changed in place.

        What holds the clean speech must still be parallel to the waveform afterwards: of its length, in time with it.
        """

    def lengths(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The fewest and the most samples that utterances of so many samples [N] may have afterwards."""
        return samples, samples

    def fingerprint(self) -> str:
        """A description of the files that it reads, by which a resumed training finds changes."""
        return ""


def build_augmentations(specs: Any) -> list[Augmentation]:
    """The augmentations of a config's `data.augment`, in order.

    Raises:
        ConfigError: no list, or an entry that does not fit.
    """
    if specs is None:
        return []
    if not isinstance(specs, list):
        raise ConfigError(f"data.augment: expected a list of `- {{class: ...}}` entries, found {specs!r}")
    return [build(spec, Augmentation, f"data.augment.{number}") for number, spec in enumerate(specs, start=1)]


def augmented(augmentations: Sequence[Augmentation], signals: Signals, rng: np.random.Generator) -> Signals:
    """The audio of an utterance after these augmentations, in order.

    Noise is not added to a silent stretch that was cut out of an utterance with speech: it has no SNR.

    Raises:
        MixingError: an utterance that is silent as a whole, or noise that is.
    """
    whole = signals
    for augmentation in augmentations:
        try:
            signals = augmentation(signals, rng)
        except SilentSpeechError:
            if not whole.speech().any():
                raise
    return signals
