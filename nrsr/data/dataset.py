"""Utterances of a data directory: waveform, parallel clean speech where there is any, and unit ids."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.data.batch import Batch, Example, collate
from nrsr.data.batches import BatchSettings, check_cap, shuffled_batches, sorted_batches
from nrsr.data.labels import open_labels
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.errors import NrsrError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import c_sorted, split_words

LISTED = 20  # unknown words named in a note


class DatasetError(NrsrError):
    """A data directory does not serve for training."""


class SpeechDataset(TrainingSet):
    """Utterances with transcripts, lengths known before any audio is read.

    Attributes:
        samples: their lengths by utt2dur or the audio headers, int64 [N].
        targets: their unit ids, one int64 vector each.
        labels: name -> their `Labels`, which domain heads learn.
    """

    def __init__(
        self,
        path: str | Path,
        units: Units,
        rate: int,
        settings: BatchSettings,
        *,
        allow_pipes: bool = False,
        channel: int | None = None,
        labels: dict[str, Any] | None = None,
    ):
        """Open a data directory with wav.scp and text (and spk1.scp, where there is parallel clean speech).

        Args:
            rate: samples a second that the audio must have.
            settings: `shortest` and `longest` leave utterances out; `max_seconds` no utterance may exceed.
            channel: of recordings that have several, counted from 0.
            labels: name -> `LabelSettings`; none unless the system has domain heads.

        Raises:
            DatasetError: no transcripts, or no utterance left.
            BatchError: an utterance that fits no batch.
        """
        self.path, self.rate = Path(path), rate
        directory = DataDir(path, channel=channel)
        if not directory.has("text"):
            raise DatasetError(f"{self.path / 'text'}: no such file; training needs transcripts")
        texts = directory.read("text", allow_empty_values=True)
        durations = directory.durations(rate=rate, allow_pipes=allow_pipes)
        self._waves = directory.waves(rate=rate, allow_pipes=allow_pipes)
        self._waves.expected = durations  # no audio may change its length in the course of a training
        clean = directory.has("spk1.scp")
        self._clean = directory.waves("spk1.scp", rate=rate, allow_pipes=allow_pipes) if clean else {}
        self.skipped = {
            name: reason
            for name in directory.utterances
            if (reason := _unfit(texts.get(name), durations.get(name) if name in self._waves else None, settings))
        }
        self.skipped.update(dict.fromkeys(c_sorted(texts.keys() - set(directory.utterances)), "in text alone"))
        self.ids = [name for name in directory.utterances if name not in self.skipped]
        self.samples = np.array([round(durations[name] * rate) for name in self.ids], dtype=np.int64)
        self.targets = [np.array(units.encode(texts[name]), dtype=np.int64) for name in self.ids]
        self.unknown_words: Counter[str] = units.unknown_words(texts[name] for name in self.ids)
        if not self.ids:
            raise DatasetError(f"{self.path}: no utterance is left of {len(self.skipped)}; {self.reasons()}")
        self.labels = open_labels(labels, directory)
        for kind in self.labels.values():
            kind.learn(self.ids)
        check_cap(self.ids, self.samples, int(settings.max_seconds * rate), rate)

    def __getitem__(self, number: int) -> Example:
        name = self.ids[number]
        wave = self._waves[name]
        clean = self._clean.get(name)
        if clean is not None and len(clean) != len(wave):
            raise DatasetError(
                f"{self.path}/spk1.scp: {name}: {len(clean)} samples of clean speech beside {len(wave)} noisy ones; "
                "parallel clean speech has the same length"
            )
        labels = {kind: int(labels.numbers[number]) for kind, labels in self.labels.items()}
        return Example(name, wave, clean, self.targets[number], labels)

    def collate(self, examples: Sequence[Example]) -> Batch:
        return collate(examples)

    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[int]]:
        return shuffled_batches(self.samples, settings.size, int(settings.max_seconds * self.rate), seed, epoch)

    def dev_batches(self, settings: BatchSettings) -> list[list[int]]:
        return sorted_batches(self.samples, settings.size, int(settings.max_seconds * self.rate))

    def metadata(self) -> dict[str, Any]:
        """The classes of each kind of label, where there are any.

        Raises:
            LabelError: a kind of label with fewer than two classes.
        """
        return {"classes": {name: labels.learnt() for name, labels in self.labels.items()}} if self.labels else {}

    def apply_metadata(self, metadata: dict[str, Any]) -> None:
        for name, labels in self.labels.items():
            labels.number(self.ids, metadata["classes"][name])

    def leave_out_unfit(self, system: nn.Module) -> None:
        """Leave out what is too short for the system's CTC output, where it has one."""
        if hasattr(system, "output_lengths"):
            self.drop_too_short_for_ctc(system.output_lengths)

    def drop_too_short_for_ctc(self, output_lengths: Callable[[Tensor], Tensor]) -> None:
        """Leave out utterances for which CTC has no path: fewer output frames than units and blanks between repeats.

        Args:
            output_lengths: frames that the system puts out for so many samples, int [N] -> int [N].
        """
        frames = output_lengths(torch.from_numpy(self.samples)).tolist()
        needed = [len(units) + int((units[1:] == units[:-1]).sum()) for units in self.targets]
        kept = []
        for number, name in enumerate(self.ids):
            if frames[number] >= needed[number]:
                kept.append(number)
            else:
                self.skipped[name] = f"too short for CTC: {needed[number]} output frames needed, {frames[number]} there"
        if not kept:
            raise DatasetError(f"{self.path}: no utterance has an output frame for each of its units; take finer units")
        self.ids = [self.ids[number] for number in kept]
        self.samples = self.samples[kept]
        self.targets = [self.targets[number] for number in kept]
        for labels in self.labels.values():
            labels.number(self.ids, labels.classes)

    def with_clean(self) -> int:
        """Number of utterances that have parallel clean speech."""
        return sum(name in self._clean for name in self.ids)

    def notes(self) -> list[str]:
        """How many utterances have parallel clean speech, words that are not among the units, labels not learnt."""
        notes = [note for labels in self.labels.values() if (note := labels.note(self.ids))]
        if (clean := self.with_clean()) < len(self):
            notes.append(
                f"{self.path}: {clean} of {len(self)} utterances have parallel clean speech (spk1.scp); losses that "
                "need it leave out the others"
            )
        if self.unknown_words:
            words = ", ".join(f"{word} ({count})" for word, count in self.unknown_words.most_common(LISTED))
            notes.append(
                f"{self.path}/text: {len(self.unknown_words)} words are not among the units and become <unk>: {words}"
                + (", ..." if len(self.unknown_words) > LISTED else "")
            )
        return notes

    def fingerprint(self) -> str:
        """A digest of ids, lengths and targets: it tells whether two runs train on the same data in the same units."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update(self.samples.tobytes())
        for units in self.targets:
            digest.update(units.tobytes() + b"\n")
        for name, labels in sorted(self.labels.items()):
            digest.update(f"{name} {' '.join(labels.classes)}\n".encode() + labels.numbers.tobytes())
        return digest.hexdigest()


def _unfit(text: str | None, seconds: float | None, settings: BatchSettings) -> str | None:
    """Why an utterance is left out, or None."""
    if text is None:
        return "no transcript"
    if not split_words(text):
        return "empty transcript"
    if seconds is None:
        return "no audio"
    if seconds < settings.shortest:
        return f"shorter than batches.shortest: {seconds:.3f} s"
    if seconds > settings.longest:
        return f"longer than batches.longest: {seconds:.3f} s"
    return None
