"""Mixtures of several speakers with their sources: what separation is trained on, remixed afresh in each epoch."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from nrsr.config import ConfigError
from nrsr.data.batches import BatchSettings, check_cap, shuffled_batches, sorted_batches
from nrsr.data.draw import Draw, draws
from nrsr.data.mixture_batch import MixtureBatch, MixtureExample, collate_mixtures
from nrsr.data.mixture_files import MixtureFiles, MixturesError
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.signal.mixing import fit_noise
from nrsr.signal.speed import change_speed

SPEED_LIMITS = (50.0, 200.0)  # percent


class MixtureSet(TrainingSet):
    """Mixtures (wav.scp), what each speaker says in them (spk1.scp, spk2.scp, ...) and their noise (noise1.scp).

    Changes of a training epoch, none of them by default; a validation has the mixtures as they are:

    - speeds: each source is spoken at a speed drawn from these percentages (95, 100, 105 in the recipes for LibriMix);
      the sources, cut to the shortest, are added up again, with the noise that the mixture had.
    - dynamic mixing: the first source is one of the mixture's own; the others are from any mixtures, of different
      speakers (utt2spk1, utt2spk2, ... tell them), at the levels they have there, and so is the noise.
    - segment: at most so many seconds, at a random place where every source has sound if there is one.

    Where there is no noise1.scp, what the sources leave of the mixture counts as its noise in remixing.

    Args:
        path: data directory.
        channel: of recordings that have several, counted from 0.
        rate: samples a second that all audio must have.
        settings: `shortest` and `longest` leave mixtures out; `max_seconds` no mixture may exceed.
        segment: in seconds.
        speeds: in percent.

    Attributes:
        speakers: how many a mixture has.
        samples: length of each mixture, int64 [N].

    Raises:
        MixturesError: files missing, one speaker only, no mixture left, too few speakers for dynamic mixing.
        ConfigError: a segment or speeds that cannot be.
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
        segment: float | None = None,
        speeds: list[float] | None = None,
        dynamic_mixing: bool = False,
    ):
        self.path, self.rate = Path(path), rate
        if segment is not None and not 0.0 < segment < float("inf"):
            raise ConfigError(f"data.segment: {segment} is no number of seconds; take one above 0, or null")
        if any(not SPEED_LIMITS[0] <= speed <= SPEED_LIMITS[1] for speed in speeds or []):
            raise ConfigError(f"data.speeds: {speeds} are not all from 50 to 200 percent, as [95, 100, 105] are")
        self.segment = None if segment is None else max(1, round(segment * rate))
        self.speeds = [speed / 100.0 for speed in speeds or [100.0]]
        self.files = MixtureFiles(self.path, rate, allow_pipes, channel)
        self.speakers = self.files.speakers
        samples, self.skipped = self.files.lengths(settings.shortest, settings.longest)
        self.ids = list(samples)
        self.samples = np.array(list(samples.values()), dtype=np.int64)
        if not self.ids:
            name, reason = next(iter(self.skipped.items()), ("none", "the directory is empty"))
            raise MixturesError(
                f"{self.path}: no mixture is left of {len(self.skipped)}; {self.reasons()}; first {name}: {reason}"
            )
        self.speaker_of = self.files.speaker_lists(self.ids) if dynamic_mixing else None

    def __getitem__(self, item: int | Draw) -> MixtureExample:
        if isinstance(item, Draw):
            return self._drawn(item)
        wave, sources, noise = self.files.read(self.ids[item])
        return MixtureExample(self.ids[item], wave, sources, noise)

    def collate(self, examples: Sequence[MixtureExample]) -> MixtureBatch:
        return collate_mixtures(examples)

    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[Draw]]:
        # A change never makes a mixture longer, so the cap holds for what is drawn.
        samples = self.samples if self.segment is None else np.minimum(self.samples, self.segment)
        cap = int(settings.max_seconds * self.rate)
        check_cap(self.ids, samples, cap, self.rate)
        return draws(shuffled_batches(samples, settings.size, cap, seed, epoch), seed, epoch)

    def dev_batches(self, settings: BatchSettings) -> list[list[int]]:
        cap = int(settings.max_seconds * self.rate)
        check_cap(self.ids, self.samples, cap, self.rate)
        return sorted_batches(self.samples, settings.size, cap)

    def prepare_for(self, system: nn.Module) -> None:
        """Nothing is left out; but a system for another number of speakers is refused."""
        wanted = getattr(system, "speakers", self.speakers)
        if wanted != self.speakers:
            raise MixturesError(
                f"{self.path}: mixtures of {self.speakers} speakers, but the system separates {wanted}; take another "
                "data directory, or set system.speakers"
            )

    def notes(self) -> list[str]:
        changed = self.speaker_of is not None or self.speeds != [1.0]
        if changed and self.files.noise is None:
            return [f"{self.path}: no noise1.scp; what the sources leave of a mixture counts as its noise in remixing"]
        return []

    def fingerprint(self) -> str:
        """A digest of ids, lengths, the number of speakers, and whether the noise is told."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update(self.samples.tobytes())
        digest.update(f"{self.speakers} speakers, noise {self.files.noise is not None}".encode())
        return digest.hexdigest()

    def _drawn(self, draw: Draw) -> MixtureExample:
        """A mixture of a training epoch."""
        name = self.ids[draw.number]
        rng = draw.generator(name)
        if self.speaker_of is None:
            wave, parts, noise = self.files.read(name)
            factors = rng.choice(self.speeds, self.speakers)
            if (factors != 1.0).any():
                rest = wave - parts.sum(0) if noise is None else noise
                wave, parts, rest = remix([self._faster(*pair) for pair in zip(parts, factors, strict=True)], rest)
                noise = None if noise is None else rest
        else:
            wave, parts, noise = self._mixed(draw.number, rng)
        if self.segment is not None and len(wave) > self.segment:
            start = segment_start(parts, self.segment, rng)
            wave, parts = wave[start : start + self.segment], parts[:, start : start + self.segment]
            noise = None if noise is None else noise[start : start + self.segment]
        return MixtureExample(name, wave, parts, noise)

    def _faster(self, wave: np.ndarray, factor: float) -> np.ndarray:
        return wave if factor == 1.0 else change_speed(wave, self.rate, factor)

    def _mixed(self, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Wave, sources and noise of a new mixture, no longer than the mixture `number`."""
        longest = self.samples[number]
        chosen = [(number, int(rng.integers(self.speakers)))]
        voices = {self.speaker_of[chosen[0][1]][number]}
        while len(chosen) < self.speakers:  # ends: there are more speakers than that, as `speaker_lists` has checked
            other = int(rng.integers(len(self))), int(rng.integers(self.speakers))
            voice = self.speaker_of[other[1]][other[0]]
            if voice not in voices:
                chosen.append(other)
                voices.add(voice)
        parts = []
        for other, source in chosen:
            part = self._faster(self.files.read_source(self.ids[other], source), rng.choice(self.speeds))
            start = int(rng.integers(max(len(part) - longest, 0) + 1))
            parts.append(part[start : start + longest])
        other = self.ids[rng.integers(len(self))]
        noise = fit_noise(self.files.read_noise(other), min(map(len, parts)), rng)
        return remix(parts, noise)


def remix(parts: list[np.ndarray], noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add up sources and noise, each cut at the end to the shortest: mixture [T], sources [K, T], noise [T]."""
    samples = min(map(len, [*parts, noise]))
    sources, noise = np.stack([part[:samples] for part in parts]), noise[:samples]
    return sources.sum(0) + noise, sources, noise


def segment_start(sources: np.ndarray, samples: int, rng: np.random.Generator) -> int:
    """Where to cut `samples` out of sources [K, T]: at random among the places with sound of most sources."""
    sounding = np.cumsum(np.pad(sources != 0.0, ((0, 0), (1, 0))), axis=1)
    heard = (sounding[:, samples:] > sounding[:, :-samples]).sum(0)
    return int(rng.choice(np.flatnonzero(heard == heard.max())))
