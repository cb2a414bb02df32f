"""Inputs of trained systems: the waveforms or the stored features of a data directory, by utterance."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.data.features import FeaturesError, StoredFeatures, open_features
from nrsr.kaldi import AudioError, DataDir, read_audio
from nrsr.kaldi.audio import audio_header
from nrsr.kaldi.streams import is_pipe
from nrsr.listing import shown

FRAME_SHIFT = 0.01  # seconds, of stored features


class Inputs(Mapping[str, np.ndarray], ABC):
    """Utterance -> array [rows, ...], read when it is asked for; can be sent to worker processes.

    A system names the kind that it is applied to as `System.reads`.

    Attributes:
        rate: rows a second.
    """

    rate: float

    @classmethod
    @abstractmethod
    def open(cls, data: DataDir, config: Mapping[str, Any], *, allow_pipes: bool = False) -> "Inputs":
        """Those of a data directory, for an experiment with this config.

        Raises:
            NrsrError: listed utterances without audio or features. Files that cannot be read raise on access.
        """

    @abstractmethod
    def durations(self) -> dict[str, float]:
        """Seconds of each utterance, without reading it where that can be."""


class WaveInputs(Inputs):
    """Waveforms, float32 [T] in ±1 at the experiment's sample rate."""

    def __init__(self, data: DataDir, rate: int, *, allow_pipes: bool = False):
        self.rate, self._data, self._allow_pipes = rate, data, allow_pipes
        self._waves = data.all_waves(rate=rate, allow_pipes=allow_pipes)

    @classmethod
    def open(cls, data: DataDir, config: Mapping[str, Any], *, allow_pipes: bool = False) -> "WaveInputs":
        return cls(data, config["sample_rate"], allow_pipes=allow_pipes)

    def __getitem__(self, utterance: str) -> np.ndarray:
        return self._waves[utterance]

    def __iter__(self) -> Iterator[str]:
        return iter(self._waves)

    def __len__(self) -> int:
        return len(self._waves)

    def durations(self) -> dict[str, float]:
        return self._data.durations(rate=self.rate, allow_pipes=self._allow_pipes)


class FeatureInputs(Inputs):
    """Stored features, float32 [N, D], as an experiment's config has them under `data`: with CMVN and deltas.

    Raises:
        FeaturesError: utterances that have no features or no statistics.
    """

    rate = 1.0 / FRAME_SHIFT

    def __init__(self, data: DataDir, features: StoredFeatures):
        self._features, self._names = features, data.utterances
        if unfit := [name for name in self._names if features.reason_against(name)]:
            reason = features.reason_against(unfit[0])
            raise FeaturesError(
                f"{data.path}: {len(unfit)} utterances cannot be scored ({reason}): {shown(unfit)}; "
                f"run nrsr make-feats and compute-cmvn on {data.path}"
            )

    @classmethod
    def open(cls, data: DataDir, config: Mapping[str, Any], *, allow_pipes: bool = False) -> "FeatureInputs":
        return cls(data, open_features(config, data.path, allow_pipes=allow_pipes))

    def __getitem__(self, utterance: str) -> np.ndarray:
        return self._features[utterance]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def durations(self) -> dict[str, float]:
        return {name: frames * FRAME_SHIFT for name, frames in self._features.frames(self._names).items()}


class FileInputs(Mapping[str, np.ndarray]):
    """Audio files, float32 [T] at `rate`: resampled where they have another rate.

    Changes and assumptions are reported on stderr.

    Args:
        files: paths; several formats, any rate.
        channel: which one is taken of several, counted from 0; None takes the first and reports it.

    Raises:
        AudioError: on access; no such file, no audio, no samples, NaN.
    """

    def __init__(self, files: Sequence[str], rate: int, channel: int | None = None):
        self.rate, self._files, self._channel = rate, list(dict.fromkeys(files)), channel

    def __getitem__(self, file: str) -> np.ndarray:
        if is_pipe(file):
            raise AudioError(f"{file!r}: is a command, not a file; save what it writes into one")
        wave, _ = read_audio(file, rate=self.rate, channel=self._channel or 0, resample=True)
        header = audio_header(file, rate=self.rate)
        if header.channels > 1 and self._channel is None:
            print(f"{file}: the first of {header.channels} channels is taken", file=sys.stderr)
        if header.rate != self.rate:
            print(f"{file}: resampled from {header.rate} Hz to {self.rate} Hz", file=sys.stderr)
        if header.assumed:
            print(f"{file}: {header.assumed}", file=sys.stderr)
        return wave

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
