"""Mel features with the waveforms that they were computed from, aligned to the sample: what vocoders are trained on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.data.batch import TrainingBatch
from nrsr.data.batches import BatchSettings, batch_counts, check_cap, shuffled_batches
from nrsr.data.draw import Draw
from nrsr.data.segments import segments_of
from nrsr.data.stored_mels import MelError, StoredMels
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.kaldi.datadir import DataDir
from nrsr.listing import listed


@dataclass(frozen=True)
class MelBatch(TrainingBatch):
    """Crops of one length, or one whole utterance.

    Attributes:
        mels: float32 [B, bands, N + 2 context]; outside of an utterance its first and its last frame are repeated.
        waves: float32 [B, N hop] in [-1, 1), the samples that the inner N frames stand for.
    """

    mels: Tensor
    waves: Tensor


class Crop(NamedTuple):
    """One example: mels [N + 2 context, bands] and wave [N hop]."""

    id: str
    mels: np.ndarray
    wave: np.ndarray


class MelDataset(TrainingSet):
    """feats.scp with wav.scp. A training epoch has one crop of each utterance, at random; development data are whole.

    Before the first step the features are compared with what the system takes, number by number, and with the length
    of each waveform.

    Attributes:
        features: utterance -> mels [N, bands].
        samples: lengths of the utterances by utt2dur or the audio headers, int64 [N].
    """

    def __init__(
        self,
        path: str | Path,
        units: Units | None,
        rate: int,
        settings: BatchSettings,
        *,
        segment: int,
        short: str | None = None,
        channel: int | None = None,
        allow_pipes: bool = False,
    ):
        """Open a data directory with feats.scp, feats.yaml and wav.scp.

        Args:
            units: ignored; given by the program.
            rate: samples a second that the audio must have.
            settings: `shortest` and `longest` leave utterances out.
            segment: samples that are cut out of each training utterance, a multiple of the features' hop.
            short: "pad" (the default) with silence, or "leave_out", for utterances shorter than a segment.
            channel: of recordings that have several, counted from 0.

        Raises:
            MelError: no features, features without definition, or no utterance left.
            ConfigError: options that do not fit.
        """
        self.path, self.rate = Path(path), rate
        self._segments = segments_of(segment, short)
        directory = DataDir(path, channel=channel)
        self.features = StoredMels(self.path / "feats.scp", allow_pipes=allow_pipes)
        seconds = directory.durations(rate=rate, allow_pipes=allow_pipes)
        self._waves = directory.waves(rate=rate, allow_pipes=allow_pipes)
        self._waves.expected = seconds  # no audio may change its length in the course of a training
        self.skipped = {
            name: reason for name in directory.utterances if (reason := self._unfit(name, seconds, settings))
        }
        self.ids = [name for name in directory.utterances if name not in self.skipped]
        if not self.ids:
            raise MelError(f"{self.path}: no utterance is left of {len(self.skipped)}; {self.reasons()}")
        self.samples = np.array([round(seconds[name] * rate) for name in self.ids], dtype=np.int64)
        self.hop = self.context = 0
        self._silence: np.ndarray | None = None
        self._training = False

    def _unfit(self, name: str, seconds: dict[str, float], settings: BatchSettings) -> str | None:
        """Why an utterance is left out, or None."""
        if name not in self.features:
            return "no features"
        if name not in self._waves:
            return "no audio"
        if seconds[name] < settings.shortest:
            return f"shorter than batches.shortest: {seconds[name]:.3f} s"
        if seconds[name] > settings.longest:
            return f"longer than batches.longest: {seconds[name]:.3f} s"
        return None

    def prepare_for_training(self) -> None:
        """Leave out what is shorter than a segment where that is asked for."""
        self._training = True
        reasons = {
            name: reason
            for name, samples in zip(self.ids, self.samples.tolist(), strict=True)
            if (reason := self._segments.reason_against(samples, self.rate))
        }
        self.skipped.update(reasons)
        kept = [number for number, name in enumerate(self.ids) if name not in reasons]
        if not kept:
            raise MelError(f"{self.path}: no utterance is left; {self.reasons()}; take shorter segments")
        self.ids, self.samples = [self.ids[number] for number in kept], self.samples[kept]

    def prepare_for(self, system: nn.Module) -> None:
        """Check definition and numbers of frames against what a vocoder takes (`features`), and take its context.

        Where a vocoder has the attribute `shortest`, its crops need more samples than that.

        Raises:
            MelError: features of another definition, or frames that do not fit the waveform.
            ConfigError: a segment that is no whole number of frames, or too short for the system's STFTs.
        """
        wanted = system.features
        self.features.check_definition(wanted.definition(), needed=True)
        self.hop, self.context = wanted.hop, system.context
        self._silence = wanted.silence.numpy()
        if self._segments.samples % self.hop:
            raise ConfigError(
                f"data.segment: {self._segments.samples} samples are no multiple of the features' hop, {self.hop}; "
                f"take {max(1, round(self._segments.samples / self.hop)) * self.hop}"
            )
        shortest = getattr(system, "shortest", 0)
        if self._segments.samples <= shortest:
            raise ConfigError(
                f"data.segment: {self._segments.samples} samples are too short for the longest transform of the loss "
                f"spectral; take more than {shortest}, or shorter transforms (system.resolutions)"
            )
        counts = self.features.frames(self.ids)
        expected = wanted.frames(torch.from_numpy(self.samples)).tolist()
        if odd := [name for name, count in zip(self.ids, expected, strict=True) if counts[name] != count]:
            place = self.ids.index(odd[0])
            raise MelError(
                f"{self.path}: the features of {len(odd)} utterances do not fit their audio: {listed(odd)}; {odd[0]}: "
                f"{counts[odd[0]]} frames, but {self.samples[place]} samples with a hop of {self.hop} give "
                f"{expected[place]}; run nrsr make-feats again"
            )

    def __getitem__(self, item: int | Draw) -> Crop:
        """A whole utterance for its number; a crop, as a training epoch has it, for a draw."""
        number = item.number if isinstance(item, Draw) else item
        name = self.ids[number]
        mels, wave = self.features[name], self._waves[name]
        if not isinstance(item, Draw):
            return self._crop(name, mels, wave, 0, len(mels))
        size = self._segments.samples // self.hop
        if (missing := size - len(mels)) > 0:
            wave = np.pad(self._fitted(wave, len(mels)), (0, missing * self.hop))
            mels = np.concatenate([mels, np.tile(self._silence, (missing, 1))])
        start = int(item.generator(name).integers(len(mels) - size + 1))
        return self._crop(name, mels, wave, start, size)

    def _crop(self, name: str, mels: np.ndarray, wave: np.ndarray, start: int, size: int) -> Crop:
        """`size` frames from one on, and their samples."""
        rows = np.arange(start - self.context, start + size + self.context).clip(0, len(mels) - 1)
        samples = self._fitted(wave, len(mels))[start * self.hop : (start + size) * self.hop]
        return Crop(name, mels[rows], samples)

    def _fitted(self, wave: np.ndarray, frames: int) -> np.ndarray:
        """A waveform cut to whole frames, or its last sample repeated up to the end of the last one."""
        return np.pad(wave, (0, max(0, frames * self.hop - len(wave))), mode="edge")[: frames * self.hop]

    def collate(self, examples: Sequence[Crop]) -> MelBatch:
        return MelBatch(
            ids=[example.id for example in examples],
            mels=torch.from_numpy(np.stack([example.mels.T for example in examples])),
            waves=torch.from_numpy(np.stack([example.wave for example in examples])),
        )

    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[Draw]]:
        batches = shuffled_batches(*self._planned(settings), seed, epoch)
        return [[Draw(number, seed, epoch) for number in batch] for batch in batches]

    def batch_counts(self, settings: BatchSettings, seed: int, epochs: int) -> list[int]:
        return batch_counts(*self._planned(settings), seed, epochs)

    def _planned(self, settings: BatchSettings) -> tuple[np.ndarray, int, int]:
        """Samples of each crop, and the most crops and samples in a batch."""
        lengths = np.full(len(self.ids), self._segments.samples)
        cap = int(settings.max_seconds * self.rate)
        check_cap(self.ids, lengths, cap, self.rate)
        return lengths, settings.size, cap

    def dev_batches(self, settings: BatchSettings) -> list[list[int]]:
        """One whole utterance each, the longest first, so that memory runs out at once if ever."""
        return [[number] for number in np.argsort(-self.samples, kind="stable").tolist()]

    def fingerprint(self) -> str:
        """A digest of ids, lengths and definition."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update(self.samples.tobytes())
        digest.update(repr(sorted((self.features.definition or {}).items())).encode())
        return digest.hexdigest()
