"""Mixtures of several speakers with their sources: what separation is trained on, remixed afresh in each epoch."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from nrsr.config import ConfigError
from nrsr.data.augmentation import Signals
from nrsr.data.batches import BatchSettings
from nrsr.data.draw import Draw
from nrsr.data.mixture_files import MixtureFiles, MixturesError
from nrsr.data.units import Units
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi.datadir import DataDir
from nrsr.signal.mixing import fit_noise
from nrsr.signal.speed import change_speed

SPEED_LIMITS = (50.0, 200.0)  # percent


class MixtureSet(WaveformDataset):
    """Mixtures (wav.scp), the signal of each speaker in them (spk1.scp, spk2.scp, ...) and their noise (noise1.scp).

    All parts of a mixture must be there, as long as it is. Beside what all waveforms have (labels, augmentation,
    segments, for which places with sound of every source are preferred), a training epoch changes them by these, none
    of them by default; a validation has the mixtures as they are:

    - speeds: each source is spoken at a speed drawn from these percentages (95, 100, 105 in the recipes for LibriMix);
      the sources, cut to the shortest, are added up again, with the noise that the mixture had.
    - dynamic mixing: the first source is one of the mixture's own; the others are from any mixtures, of different
      speakers (listed in utt2spk1, utt2spk2, ...), at the levels they have there, and so is the noise.

    Where there is no noise1.scp, the difference between mixture and sources is its noise in remixing.

    Args:
        path, units, rate, settings and options that are not below: as `WaveformDataset`.
        speeds: in percent.

    Attributes:
        speakers: how many a mixture has.

    Raises:
        MixturesError: files missing, one speaker only, too few speakers for dynamic mixing.
        DatasetError: no mixture left.
        ConfigError: speeds that cannot be.
    """

    def __init__(
        self,
        path: str | Path,
        units: Units | None,
        rate: int,
        settings: BatchSettings,
        *,
        allow_pipes: bool = False,
        channel: int | None = None,
        labels: dict[str, Any] | None = None,
        augment: list[dict[str, Any]] | None = None,
        segment: int | None = None,
        short: str | None = None,
        speeds: list[float] | None = None,
        dynamic_mixing: bool = False,
    ):
        if any(not SPEED_LIMITS[0] <= speed <= SPEED_LIMITS[1] for speed in speeds or []):
            raise ConfigError(f"data.speeds: {speeds} are not all from 50 to 200 percent, as [95, 100, 105] are")
        self.speeds = [speed / 100.0 for speed in speeds or [100.0]]
        options = {"allow_pipes": allow_pipes, "channel": channel, "labels": labels}
        super().__init__(path, units, rate, settings, augment=augment, segment=segment, short=short, **options)
        self.speaker_of = self.files.speaker_lists(self.ids) if dynamic_mixing else None

    def _open_audio(self, directory: DataDir) -> tuple[dict[str, int], dict[str, str]]:
        self.files = MixtureFiles(self.path, self.rate, self._allow_pipes, directory.channel)
        self.speakers = self.files.speakers
        return self.files.lengths()

    def prepare_for(self, system: nn.Module) -> None:
        """Refuse a system for another number of speakers."""
        super().prepare_for(system)
        wanted = getattr(system, "speakers", self.speakers)
        if wanted != self.speakers:
            raise MixturesError(
                f"{self.path}: mixtures of {self.speakers} speakers, but the system separates {wanted}; take another "
                "data directory, or set system.speakers"
            )

    def _leave_out(self, reasons: Sequence[str | None], cure: str) -> None:
        super()._leave_out(reasons, cure)
        if self.speaker_of is not None:  # by the mixtures' numbers, which have changed
            self.speaker_of = self.files.speaker_lists(self.ids)

    def _note_on_audio(self) -> str | None:
        if self.files.noise is not None or (self.speaker_of is None and self.speeds == [1.0]):
            return None
        return f"{self.path}: no noise1.scp; what the sources leave of a mixture counts as its noise in remixing"

    def _digest(self) -> "hashlib._Hash":
        digest = super()._digest()
        digest.update(f"{self.speakers} speakers, noise {self.files.noise is not None}".encode())
        return digest

    def _read(self, number: int) -> Signals:
        wave, sources, _ = self.files.read(self.ids[number])
        return Signals(wave, sources)

    def _drawn(self, draw: Draw, rng: np.random.Generator) -> Signals:
        remixed = self._faster_sources(draw.number, rng) if self.speaker_of is None else self._mixed(draw.number, rng)
        return self._augmented(draw, remixed, rng)

    def _faster_sources(self, number: int, rng: np.random.Generator) -> Signals:
        """A mixture with its sources at speeds of their own."""
        wave, parts, noise = self.files.read(self.ids[number])
        factors = rng.choice(self.speeds, self.speakers)
        if (factors == 1.0).all():
            return Signals(wave, parts)
        rest = wave - parts.sum(0) if noise is None else noise
        return remix([self._faster(*pair) for pair in zip(parts, factors, strict=True)], rest)

    def _faster(self, wave: np.ndarray, factor: float) -> np.ndarray:
        return wave if factor == 1.0 else change_speed(wave, self.rate, factor)

    def _mixed(self, number: int, rng: np.random.Generator) -> Signals:
        """A new mixture, no longer than the mixture `number`."""
        longest = self.samples[number]
        chosen = [(number, int(rng.integers(self.speakers)))]
        voices = {self.speaker_of[chosen[0][1]][number]}
        while len(chosen) < self.speakers:  # ends: there are more speakers than that, as `speaker_lists` has checked
            candidate = int(rng.integers(len(self))), int(rng.integers(self.speakers))
            voice = self.speaker_of[candidate[1]][candidate[0]]
            if voice not in voices:
                chosen.append(candidate)
                voices.add(voice)
        parts = []
        for mixture, source in chosen:
            part = self._faster(self.files.read_source(self.ids[mixture], source), rng.choice(self.speeds))
            start = int(rng.integers(max(len(part) - longest, 0) + 1))
            parts.append(part[start : start + longest])
        noisy = self.ids[rng.integers(len(self))]
        noise = fit_noise(self.files.read_noise(noisy), min(map(len, parts)), rng)
        return remix(parts, noise)


def remix(parts: list[np.ndarray], noise: np.ndarray) -> Signals:
    """Sources and noise added up, each cut at the end to the shortest."""
    samples = min(map(len, [*parts, noise]))
    sources = np.stack([part[:samples] for part in parts])
    return Signals(sources.sum(0) + noise[:samples], sources)
