"""Recordings of speech on disk become data directories: one rate, one channel, and a count of what cannot be read."""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nrsr.corpora.datadirs import Prepared, speech_line
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, audio_header, read_audio
from nrsr.kaldi.contents import spk2utt_of, write_lists
from nrsr.kaldi.tables import WaveWriter
from nrsr.listing import shown
from nrsr.progress import track

RATES = (8000, 16000, 22050, 24000, 44100, 48000)


class RecordingsError(NrsrError):
    """Recordings of a corpus that cannot be read, or a set without any."""


@dataclass(frozen=True)
class Recording:
    """An utterance in a file.

    Attributes:
        id: starts with the speaker, as Kaldi's sorting needs.
        words: its transcript, or None where there is none.
        start, end: seconds of the part to take; an end of None is the end of the file.
        gender: of the speaker, "m" or "f", or "" where it is unknown.
        labels: name of a list (utt2emotion, spk1.scp) -> value.
    """

    id: str
    speaker: str
    words: str | None
    path: Path
    start: float = 0.0
    end: float | None = None
    gender: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def add_rate(parser: argparse.ArgumentParser, default: int) -> None:
    """Add the option --rate."""
    parser.add_argument("--rate", type=int, choices=RATES, default=default, help="Hz (%(default)s)")


def write_recordings(
    folder: Path, recordings: Iterable[Recording], rate: int, done: Prepared, cure: str
) -> dict[str, float]:
    """Write wav.ark and wav.scp (16 bits), utt2spk, spk2utt, utt2dur, and text, spk2gender and labels where known.

    Files of another rate are resampled, and of several channels the first is taken; `done` gets a line of the table
    and remarks. One recording is in memory at a time.

    Args:
        cure: what to do about files that cannot be read.

    Returns:
        id -> seconds.

    Raises:
        RecordingsError: no recordings, or some that cannot be read; counted, the first one named.
        TableError: an id twice.
    """
    recordings = sorted(recordings, key=lambda recording: recording.id)
    if not recordings:
        raise RecordingsError(f"{folder}: no recording would be in it; {cure}")
    folder.mkdir(parents=True, exist_ok=True)
    reader, seconds = Reader(rate), {}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for recording in track(recordings, f"writing {folder}"):
            wave = reader.read(recording)
            if wave is not None:
                writer[recording.id] = wave
                seconds[recording.id] = len(wave) / rate
        if reader.failures:
            count = len(reader.failures)
            raise RecordingsError(f"{count} recordings cannot be read, first: {reader.failures[0]}; {cure}")
    lists = lists_of(recordings, seconds)
    write_lists(folder, {"wav.scp": writer.entries, **lists})
    speakers = len(set(lists["utt2spk"].values()))
    line = speech_line(folder.name, lists.get("text"), len(recordings), speakers, sum(seconds.values()))
    done.table.append(line + "".join(f", {count} resampled from {hertz} Hz" for hertz, count in reader.other_rates()))
    done.notes += [f"{folder.name}: {note}" for note in (*reader.notes(), *notes_on_words(recordings))]
    return seconds


@dataclass
class Reader:
    """Reads recordings at one rate, and remembers what it found."""

    rate: int
    failures: list[str] = field(default_factory=list)
    several_channels: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    rates: Counter[int] = field(default_factory=Counter)

    def read(self, recording: Recording) -> np.ndarray | None:
        """float32 [T] within ±1, or None after a failure."""
        path = str(recording.path)
        try:
            header = audio_header(path)
            wave, _ = read_audio(
                path, rate=self.rate, channel=0, resample=True, start=recording.start, end=recording.end
            )
        except AudioError as error:
            self.failures.append(str(error))
            return None
        if header.channels > 1:
            self.several_channels.append(recording.path.name)
        self.rates[header.rate] += 1
        # Resampling overshoots at peaks near full scale. Parallel recordings must keep their level: no scaling.
        if np.abs(wave).max() > 1.0:
            self.clipped.append(recording.path.name)
            wave = np.clip(wave, -1.0, 1.0)
        return wave

    def other_rates(self) -> list[tuple[int, int]]:
        """(rate in Hz, recordings that have it), without the wanted rate."""
        return sorted((rate, count) for rate, count in self.rates.items() if rate != self.rate)

    def notes(self) -> list[str]:
        """Remarks on what was changed in recordings."""
        changes = (
            (self.several_channels, "have several channels; the first is taken"),
            (self.clipped, "go beyond full scale and are clipped there"),
        )
        return [f"{len(names)} recordings {what}: {shown(names)}" for names, what in changes if names]


def lists_of(recordings: list[Recording], seconds: dict[str, float]) -> dict[str, dict[str, str]]:
    """The lists of a data directory without wav.scp; text alone where all recordings have words."""
    speakers = {recording.id: recording.speaker for recording in recordings}
    lists = {
        "utt2spk": speakers,
        "spk2utt": spk2utt_of(speakers),
        "utt2dur": {name: f"{duration:.6f}" for name, duration in seconds.items()},
    }
    if all(recording.words for recording in recordings):
        lists["text"] = {recording.id: recording.words for recording in recordings}
    if genders := {recording.speaker: recording.gender for recording in recordings if recording.gender}:
        lists["spk2gender"] = genders
    for recording in recordings:
        for name, value in recording.labels.items():
            lists.setdefault(name, {})[recording.id] = value
    return lists


def notes_on_words(recordings: list[Recording]) -> list[str]:
    """A remark where some recordings have words and others have none."""
    without = [recording.path.name for recording in recordings if not recording.words]
    if not without or len(without) == len(recordings):
        return []
    return [f"{len(without)} recordings have no words, so that there is no text: {shown(without)}"]
