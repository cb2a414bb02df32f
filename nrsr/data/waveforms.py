"""Utterances of a data directory as waveforms, with whatever the directory has beside them."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.data.augmentation import Signals, augmented, build_augmentations
from nrsr.data.batch import Batch, Example, collate
from nrsr.data.batches import BatchSettings, batch_counts, check_cap, shuffled_batches, sorted_batches
from nrsr.data.draw import Draw
from nrsr.data.labels import UNKNOWN, open_labels
from nrsr.data.parallel_audio import DatasetError, ParallelAudio
from nrsr.data.segments import segments_of
from nrsr.data.stored_frames import StoredFrames
from nrsr.data.training_set import TrainingSet
from nrsr.data.transcripts import Transcripts
from nrsr.data.units import Units
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import DURATION_TOLERANCE
from nrsr.signal.mixing import MixingError


class WaveformDataset(TrainingSet):
    """Waveforms, lengths known before any audio is read; parallel clean speech, transcripts and labels where wanted.

    wav.scp lists the waveforms, spk1.scp the clean speech in them (spk1.scp, spk2.scp, ... each speaker's, where they
    are mixtures). Transcripts are read for a system with output units alone. Training utterances go through the
    augmentations, drawn by seed, epoch and utterance, and are cut to segments; development data stay as they are,
    whole. No batch is shorter than a segment.

    Attributes:
        samples: lengths of the utterances by utt2dur or the audio headers, int64 [N].
        transcripts: their transcripts in units, None for a system without.
        labels: name -> their `Labels`.
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
        hop: int | None = None,
        frames: str | None = None,
    ):
        """Open a data directory.

        Args:
            units: of the transcripts, which every utterance must have then; None reads none.
            rate: samples a second that the audio must have.
            settings: `shortest` and `longest` leave utterances out; `max_seconds` no utterance may exceed.
            channel: of recordings that have several, counted from 0.
            labels: name -> `LabelSettings`; none unless the system learns some.
            augment: `Augmentation`s of the training data, in order.
            segment: samples that are cut out of each training utterance, at random; null takes utterances whole.
            short: "pad" (the default) or "leave_out", for utterances shorter than a segment.
            hop: samples from one segment to the next: an epoch has all whole ones of each utterance, in place of one.
            frames: folder with what another system put out for these utterances (NAME.scp of `nrsr apply`), which comes
                along where the system asks for it; of whole utterances alone.

        Raises:
            DatasetError: no transcripts where units are learnt, or no utterance left.
            ConfigError: options that do not fit.
        """
        self.path, self.rate, self._allow_pipes = Path(path), rate, allow_pipes
        self._augmentations, self._segments = build_augmentations(augment), segments_of(segment, short, hop)
        if units is not None and self._segments is not None:
            raise ConfigError("data.segment: nobody knows which words are in a segment; leave it out for a recogniser")
        directory = DataDir(path, channel=channel)
        if units is not None and not directory.has("text"):
            raise DatasetError(f"{self.path / 'text'}: no such file; training needs transcripts")
        self.transcripts = None if units is None else Transcripts(directory, units)
        samples, broken = self._open_audio(directory)
        self.skipped = {
            name: reason
            for name in directory.utterances
            if (reason := self._unfit(name, samples, broken.get(name, "no audio"), settings))
        }
        if self.transcripts is not None:
            self.skipped.update(dict.fromkeys(self.transcripts.alone(directory.utterances), "in text alone"))
        self.ids = [name for name in directory.utterances if name not in self.skipped]
        self.samples = np.array([samples[name] for name in self.ids], dtype=np.int64)
        if not self.ids:
            first = "".join(f"; first {name}: {reason}" for name, reason in list(self.skipped.items())[:1])
            raise DatasetError(f"{self.path}: no utterance is left of {len(self.skipped)}; {self.reasons()}{first}")
        if self.transcripts is not None:
            self.transcripts.encode(self.ids)
        self.labels = open_labels(labels, directory)
        for kind in self.labels.values():
            kind.learn(self.ids)
        if frames is not None and self._segments is not None:
            raise ConfigError("data.frames: are of whole utterances; leave out data.segment, or data.frames")
        self.frames = None if frames is None else StoredFrames(frames, allow_pipes=allow_pipes)
        self._training = False

    def _open_audio(self, directory: DataDir) -> tuple[dict[str, int], dict[str, str]]:
        """The samples of each utterance that is whole, and the reasons of those that lack more than audio."""
        durations = directory.durations(rate=self.rate, allow_pipes=self._allow_pipes)
        self.audio = ParallelAudio(directory, self.rate, durations, allow_pipes=self._allow_pipes)
        return {name: round(seconds * self.rate) for name, seconds in durations.items() if name in self.audio}, {}

    def _unfit(self, name: str, samples: dict[str, int], broken: str, settings: BatchSettings) -> str | None:
        """Why an utterance is left out, or None; `broken` is the reason where it has no samples."""
        if self.transcripts is not None and (reason := self.transcripts.reason_against(name)):
            return reason
        if name not in samples:
            return broken
        seconds = samples[name] / self.rate
        if seconds < settings.shortest:
            return f"shorter than batches.shortest: {seconds:.3f} s"
        if seconds > settings.longest:
            return f"longer than batches.longest: {seconds:.3f} s"
        return None

    def prepare_for_training(self) -> None:
        """Open what the augmentations read, and leave out what is shorter than a segment where that is asked for."""
        self._training, self.readers = True, int(bool(self._augmentations))
        for augmentation in self._augmentations:
            augmentation.open(self.path, self.rate, allow_pipes=self._allow_pipes)
        shortest, longest = self._lengths()
        if self.frames is not None and ((shortest != self.samples) | (longest != self.samples)).any():
            raise ConfigError("data.frames: are of whole utterances; take Crop and Speed out of data.augment")
        if self._segments is None:
            return
        if self._segments.hop is not None and (shortest != longest).any():
            raise ConfigError(
                "data.hop: is for utterances that keep their lengths; take it out, or Speed of data.augment"
            )
        reasons = [self._segments.reason_against(samples, self.rate) for samples in longest.tolist()]
        self._leave_out(reasons, "take shorter segments")

    def _lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """The fewest and the most samples that each training utterance may have after augmentation, int64 [N]."""
        shortest = longest = self.samples
        for augmentation in self._augmentations if self._training else ():
            shortest, longest = augmentation.lengths(shortest)[0], augmentation.lengths(longest)[1]
        return shortest, longest

    def _leave_out(self, reasons: Sequence[str | None], cure: str) -> None:
        """Leave out the utterances against which there is a reason."""
        self.skipped.update({name: reason for name, reason in zip(self.ids, reasons, strict=True) if reason})
        numbers = [number for number, reason in enumerate(reasons) if reason is None]
        if not numbers:
            raise DatasetError(f"{self.path}: no utterance is left of {len(self.skipped)}; {self.reasons()}; {cure}")
        self.ids = [self.ids[number] for number in numbers]
        self.samples = self.samples[numbers]
        if self.transcripts is not None:
            self.transcripts.keep(numbers)
        for labels in self.labels.values():
            labels.number(self.ids, labels.classes)

    def __getitem__(self, item: int | Draw) -> Example:
        """An utterance as it is, for its number; as a training epoch has it, for a draw."""
        number = item.number if isinstance(item, Draw) else item
        name = self.ids[number]
        signals = self._drawn(item, item.generator(name)) if isinstance(item, Draw) else self._read(number)
        clean, sources = None, signals.parallel
        if sources is not None and len(sources) == 1:
            clean, sources = sources[0], None
        targets = None if self.transcripts is None else self.transcripts.targets[number]
        labels = {kind: int(labels.numbers[number]) for kind, labels in self.labels.items()}
        # No augmentation beside stored frames changes the length.
        frames = self.frames.read(name, len(signals.wave)) if self.frames and self.frames.names else {}
        return Example(name, signals.wave, clean, targets, labels, sources, frames)

    def _read(self, number: int) -> Signals:
        """An utterance as it is."""
        return self.audio.read(self.ids[number])

    def _drawn(self, draw: Draw, rng: np.random.Generator) -> Signals:
        """An utterance as a training epoch has it."""
        return self._augmented(draw, self._read(draw.number), rng)

    def _augmented(self, draw: Draw, signals: Signals, rng: np.random.Generator) -> Signals:
        try:
            signals = augmented(self._augmentations, signals, rng)
        except MixingError as error:
            raise DatasetError(f"{self.path}: {self.ids[draw.number]}: {error}") from None
        return signals if self._segments is None else self._segments.cut(signals, rng, draw.start)

    def collate(self, examples: Sequence[Example]) -> Batch:
        return collate(examples, self._segments.samples if self._segments else 0)

    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[Draw]]:
        places, lengths, cap = self._planned(settings)
        batches = shuffled_batches(lengths, settings.size, cap, seed, epoch)
        return [[Draw(places[item][0], seed, epoch, places[item][1]) for item in batch] for batch in batches]

    def batch_counts(self, settings: BatchSettings, seed: int, epochs: int) -> list[int]:
        _, lengths, cap = self._planned(settings)
        return batch_counts(lengths, settings.size, cap, seed, epochs)

    def _planned(self, settings: BatchSettings) -> tuple[list[tuple[int, int | None]], np.ndarray, int]:
        """What an epoch has (`_places`), how many samples each of that counts, and how many a batch may have."""
        _, longest = self._lengths()
        if self._segments is not None:
            # What is shorter is padded to a segment: all have one length, and no batch is of short ones alone.
            longest = np.full_like(longest, self._segments.samples)
        cap = int(settings.max_seconds * self.rate)
        check_cap(self.ids, longest, cap, self.rate)
        places = self._places()
        return places, longest[[number for number, _ in places]], cap

    def _places(self) -> list[tuple[int, int | None]]:
        """What an epoch has: numbers of utterances, and where the segment begins if it is not drawn."""
        if self._segments is None or self._segments.hop is None:
            return [(number, None) for number in range(len(self))]
        _, lengths = self._lengths()
        return [
            (number, start) for number, size in enumerate(lengths.tolist()) for start in self._segments.starts(size)
        ]

    def dev_batches(self, settings: BatchSettings) -> list[list[int]]:
        cap = int(settings.max_seconds * self.rate)
        # What is shorter than a segment is padded to one.
        lengths = np.maximum(self.samples, self._segments.samples if self._segments else 0)
        check_cap(self.ids, lengths, cap, self.rate)
        return sorted_batches(lengths, settings.size, cap)

    def metadata(self) -> dict[str, Any]:
        """The classes of each kind of label, and the values in a stored frame, where there are any.

        Raises:
            LabelError: a kind of label with fewer than two classes.
        """
        metadata = {"classes": {name: labels.learnt() for name, labels in self.labels.items()}} if self.labels else {}
        return metadata if self.frames is None else metadata | {"frame_dim": self.frames.dim()}

    def apply_metadata(self, metadata: dict[str, Any]) -> None:
        for name, labels in self.labels.items():
            labels.number(self.ids, metadata["classes"][name])

    def prepare_for(self, system: nn.Module) -> None:
        """Leave out what lacks a label or stored frames that the system needs, or is too short for its output.

        Raises:
            StoredFramesError: the system asks for others than there are.
        """
        for kind in getattr(system, "needs_labels", ()):
            labels = self.labels[kind]
            reasons = [
                f"without a {kind} that is learnt: {labels.name_of(name) or 'none'}" if number == UNKNOWN else None
                for name, number in zip(self.ids, labels.numbers.tolist(), strict=True)
            ]
            self._leave_out(reasons, f"see data.labels.{kind}")
        if hasattr(system, "frame_counts"):
            self._prepare_frames(system)
        if self.transcripts is not None and hasattr(system, "output_lengths"):
            self.drop_too_short_for_ctc(system.output_lengths)

    def _prepare_frames(self, system: nn.Module) -> None:
        """Leave out what is too short for one frame of the system, or has no stored frames where these are read."""
        shortest, _ = self._lengths()
        counts = system.frame_counts(torch.from_numpy(shortest)).tolist()
        reasons = [
            None if count else f"too short for a frame: {samples} samples"
            for count, samples in zip(counts, shortest.tolist(), strict=True)
        ]
        self._leave_out(reasons, "take longer utterances")
        if self.frames is None:
            return
        longest = int(self.samples.max()) + round(DURATION_TOLERANCE * self.rate) + 1  # utt2dur may be rounded
        counts = system.frame_counts(torch.arange(longest + 1)).to(torch.int32).numpy()
        self.frames.choose(system.stored_frames(), counts)
        self._leave_out([self.frames.reason_against(name) for name in self.ids], "apply the teacher to all utterances")

    def drop_too_short_for_ctc(self, output_lengths: Callable[[Tensor], Tensor]) -> None:
        """Leave out utterances for which CTC has no path: fewer output frames than units and blanks between repeats.

        Args:
            output_lengths: frames of the system's output for so many samples, int [N] -> int [N].
        """
        shortest, _ = self._lengths()
        frames = output_lengths(torch.from_numpy(shortest)).tolist()
        reasons = [
            None if there >= needed else f"too short for CTC: {needed} output frames needed, {there} there"
            for needed, there in zip(self.transcripts.frames_needed(), frames, strict=True)
        ]
        self._leave_out(reasons, "take finer units")

    def notes(self) -> list[str]:
        """How many utterances have parallel clean speech, words that are not among the units, labels not learnt."""
        notes = [labels.note(self.ids) for labels in self.labels.values()]
        notes += [self._note_on_audio(), None if self.transcripts is None else self.transcripts.note()]
        return [note for note in notes if note]

    def _note_on_audio(self) -> str | None:
        return self.audio.note(self.ids)

    def fingerprint(self) -> str:
        """A digest of ids, lengths, targets, labels and what augmentation reads: whether two runs train on the same."""
        return self._digest().hexdigest()

    def frame_states(self) -> dict[str, str]:
        return self.frames.states(self.ids) if self.frames and self.frames.names else {}

    def _digest(self) -> "hashlib._Hash":
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update(self.samples.tobytes())
        for units in self.transcripts.targets if self.transcripts else ():
            digest.update(units.tobytes() + b"\n")
        for name, labels in sorted(self.labels.items()):
            digest.update(f"{name} {' '.join(labels.classes)}\n".encode() + labels.numbers.tobytes())
        if self.frames is not None:
            digest.update(self.frames.fingerprint().encode())
        for augmentation in self._augmentations if self._training else ():
            digest.update(augmentation.fingerprint().encode())
        return digest
