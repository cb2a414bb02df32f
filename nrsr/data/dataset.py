"""Utterances of a data directory: waveform, parallel clean speech where there is any, and unit ids."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nrsr.data.batch import Batch, Example, collate
from nrsr.data.batches import BatchSettings, check_cap
from nrsr.data.units import Units
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import MAX_OVERSHOOT
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import c_sorted

# Seconds. utt2dur may be rounded; more than this between its word and the audio means that it belongs to other audio.
DURATION_TOLERANCE = 0.02


class DatasetError(NrsrError):
    """A data directory does not serve for training."""


class SpeechDataset(Dataset):
    """Utterances to train on, lengths known before any audio is read.

    Attributes:
        ids: utterances, in C order.
        samples: their lengths by utt2dur or the audio headers, int64 [N].
        targets: their unit ids, one int64 vector each.
        skipped: utterances left out, with the reason.
    """

    def __init__(
        self, path: str | Path, units: Units, rate: int, settings: BatchSettings, *, allow_pipes: bool = False
    ):
        """Open a data directory with wav.scp and text (and spk1.scp, where there is parallel clean speech).

        Args:
            rate: samples a second that the audio must have.
            settings: `shortest` and `longest` leave utterances out; `max_seconds` no utterance may exceed.

        Raises:
            DatasetError: no transcripts, or no utterance left.
            BatchError: an utterance that fits no batch.
        """
        self.path, self.rate = Path(path), rate
        directory = DataDir(path)
        if not directory.has("text"):
            raise DatasetError(f"{self.path / 'text'}: no such file; training needs transcripts")
        texts = directory.read("text", allow_empty_values=True)
        durations = directory.durations(rate=rate, allow_pipes=allow_pipes)
        self._waves = directory.waves(rate=rate, allow_pipes=allow_pipes)
        # A segment may end a little behind its recording, and so be shorter than its times say.
        self._overshoot = MAX_OVERSHOOT if directory.has("segments") else 0.0
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
        check_cap(self.ids, self.samples, int(settings.max_seconds * rate), rate)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, number: int) -> Example:
        name = self.ids[number]
        wave = self._waves[name]
        excess = (len(wave) - self.samples[number]) / self.rate
        if not -self._overshoot - DURATION_TOLERANCE <= excess <= DURATION_TOLERANCE:
            raise DatasetError(
                f"{self.path}: {name}: utt2dur says {self.samples[number] / self.rate:.3f} s, the audio has "
                f"{len(wave) / self.rate:.3f} s; remove utt2dur if the audio is right"
            )
        clean = self._clean.get(name)
        if clean is not None and len(clean) != len(wave):
            raise DatasetError(
                f"{self.path}/spk1.scp: {name}: {len(clean)} samples of clean speech beside {len(wave)} noisy ones; "
                "parallel clean speech has the same length"
            )
        return Example(name, wave, clean, self.targets[number])

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

    def with_clean(self) -> int:
        """Number of utterances that have parallel clean speech."""
        return sum(name in self._clean for name in self.ids)

    def reasons(self) -> str:
        """How many utterances were left out, by the kind of reason, for one line on stderr."""
        kinds = Counter(reason.split(":")[0] for reason in self.skipped.values())
        return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))

    def fingerprint(self) -> str:
        """A digest of ids, lengths and targets: it tells whether two runs train on the same data in the same units."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update(self.samples.tobytes())
        for units in self.targets:
            digest.update(units.tobytes() + b"\n")
        return digest.hexdigest()


def _unfit(text: str | None, seconds: float | None, settings: BatchSettings) -> str | None:
    """Why an utterance is left out, or None."""
    if text is None:
        return "no transcript"
    if not text.split():
        return "empty transcript"
    if seconds is None:
        return "no audio"
    if seconds < settings.shortest:
        return f"shorter than batches.shortest: {seconds:.3f} s"
    if seconds > settings.longest:
        return f"longer than batches.longest: {seconds:.3f} s"
    return None


def load_batches(dataset: SpeechDataset, batches: Sequence[list[int]], workers: int = 0) -> Iterator[Batch]:
    """Read batches in this order, in `workers` processes ahead of the training or, with 0, when they are asked for."""
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        # DataLoader draws a seed for its workers; drawn from the global generator it would change what a resumed
        # run draws for dropout.
        generator=torch.Generator(),
    )
    return iter(loader)
