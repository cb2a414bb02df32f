"""The waveforms of a data directory with the clean speech in them, checked to fit together."""

from collections.abc import Mapping, Sequence

import numpy as np

from nrsr.data.augmentation.signals import Signals
from nrsr.errors import NrsrError
from nrsr.kaldi.datadir import DataDir


class DatasetError(NrsrError):
    """A data directory cannot be used for training."""


class ParallelAudio:
    """wav.scp, and spk1.scp (spk2.scp, ...) where the directory has them."""

    def __init__(self, directory: DataDir, rate: int, durations: Mapping[str, float], *, allow_pipes: bool = False):
        self.path = directory.path
        self.waves = directory.waves(rate=rate, allow_pipes=allow_pipes)
        self.waves.expected = durations  # no audio may change its length in the course of a training
        self.speakers = []
        while directory.has(scp := f"spk{len(self.speakers) + 1}.scp"):
            self.speakers.append(directory.waves(scp, rate=rate, allow_pipes=allow_pipes))

    def __contains__(self, name: str) -> bool:
        return name in self.waves

    def has_clean(self, name: str) -> bool:
        """Whether the clean speech of all speakers of an utterance is there."""
        return bool(self.speakers) and all(name in speaker for speaker in self.speakers)

    def read(self, name: str) -> Signals:
        """The audio of an utterance.

        Raises:
            DatasetError: clean speech of another length than the waveform.
            AudioError, DataDirError: audio that cannot be read, or has another length than is known of it.
        """
        wave = self.waves[name]
        if not self.has_clean(name):
            return Signals(wave)
        parts = []
        for number, speaker in enumerate(self.speakers, start=1):
            part = wave if speaker.same_audio(self.waves, name) else speaker[name]
            if len(part) != len(wave):
                raise DatasetError(
                    f"{self.path}/spk{number}.scp: {name}: {len(part)} samples of clean speech beside {len(wave)} "
                    "noisy ones; parallel clean speech has the same length"
                )
            parts.append(part)
        return Signals(wave, np.stack(parts))

    def note(self, ids: Sequence[str]) -> str | None:
        """A line about utterances without parallel clean speech, None where all have it."""
        clean = sum(map(self.has_clean, ids))
        if clean == len(ids):
            return None
        return (
            f"{self.path}: {clean} of {len(ids)} utterances have parallel clean speech (spk1.scp); losses that need it "
            "leave out the others"
        )
