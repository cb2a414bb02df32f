"""The waveforms of a data directory: utterances that are recordings, or parts of them, read when asked for."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.audio import MAX_OVERSHOOT, AudioError, audio_info, read_audio, sample_range
from nrsr.kaldi.lists import split_words

# Seconds that utt2dur and the audio may differ: it may be rounded, or counted from frames that miss the last window.
DURATION_TOLERANCE = 0.03


class DataDirError(NrsrError):
    """A data directory that is not what it should be; names file, id and cure."""


class Segment(NamedTuple):
    """A part of a recording in seconds; an end below 0 is the end of the recording."""

    recording: str
    start: float
    end: float
    channel: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Segment":
        """From `recording start end [channel]`.

        Raises:
            ValueError: not such a line; says what is wrong.
        """
        columns = split_words(text)
        if len(columns) not in (3, 4):
            raise ValueError("has not the form `utterance recording start end`")
        try:
            start, end = float(columns[1]), float(columns[2])
            channel = int(columns[3]) if len(columns) == 4 else None
        except ValueError:
            raise ValueError(f"has a time or channel that is no number in {text!r}") from None
        if not (math.isfinite(start) and math.isfinite(end) and start >= 0 and (end < 0 or end > start)):
            raise ValueError(f"runs from {start} s to {end} s, but must start at 0 or later and end after its start")
        return cls(columns[0], start, end, channel)


class Waves(Mapping):
    """The mapping behind DataDir.waves; it opens files only on access, so it can be sent to worker processes.

    Attributes:
        expected: seconds that an utterance must have, where they are known.
    """

    def __init__(
        self,
        path: Path,
        entries: dict[str, str],
        parts: dict[str, Segment],
        options: dict,
        expected: Mapping[str, float],
    ):
        self.path, self.entries, self.parts, self.options = path, entries, parts, options
        self.expected = expected
        self._info: dict[str, tuple[int, int]] = {}

    def __getitem__(self, utterance: str) -> np.ndarray:
        part = self.parts[utterance]
        wave, rate = self._read(utterance, part.start, part.end)
        self.check_length(utterance, len(wave) / rate)
        return wave

    def part(self, utterance: str, start: float, end: float) -> np.ndarray:
        """Samples [T] of an utterance from `start` to `end`, seconds from where it begins; no others are read."""
        begin = self.parts[utterance].start
        return self._read(utterance, begin + start, begin + end)[0]

    def _read(self, utterance: str, start: float, end: float) -> tuple[np.ndarray, int]:
        """Samples and rate of a part of an utterance's recording, in seconds of the recording."""
        part = self.parts[utterance]
        options = self.options if self.options["channel"] is not None else {**self.options, "channel": part.channel}
        try:
            return read_audio(self.entries[part.recording], start=start, end=end, **options)
        except AudioError as error:
            raise AudioError(f"{self.path}: utterance {utterance!r}: {error}") from None

    def same_audio(self, other: "Waves", utterance: str) -> bool:
        """Whether both name the same part of the same recording for an utterance that both have."""
        mine, its = self.parts[utterance], other.parts[utterance]
        return mine[1:] == its[1:] and self.entries[mine.recording] == other.entries[its.recording]

    def check_length(self, utterance: str, seconds: float) -> None:
        """Refuse audio of another length than is known of the utterance.

        Raises:
            DataDirError: it is another one; a segment may end a little behind its recording, and so be shorter.
        """
        wanted = self.expected.get(utterance)
        overshoot = MAX_OVERSHOOT if self.parts[utterance].end >= 0 else 0.0
        if wanted is not None and not -overshoot - DURATION_TOLERANCE <= seconds - wanted <= DURATION_TOLERANCE:
            raise DataDirError(
                f"{self.path}: utterance {utterance!r}: utt2dur says {wanted:.3f} s, the audio has {seconds:.3f} s; "
                "it is other audio: run the stage that makes it, or remove utt2dur if the audio is right"
            )

    def __contains__(self, utterance: object) -> bool:
        return utterance in self.parts  # Mapping's own way would read the audio to find out

    def rate(self) -> int:
        """Samples per second: the wanted rate, or that of the first recording."""
        if self.options["rate"] is not None:
            return self.options["rate"]
        if not self.parts:
            raise DataDirError(f"{self.path}: lists no audio of any utterance; run the stage that makes it")
        return self.info(next(iter(self.parts)))[1]

    def info(self, utterance: str) -> tuple[int, int]:
        """(samples, rate) of the recording that an utterance is or is part of, by its header, which is read once."""
        recording = self.parts[utterance].recording
        if recording not in self._info:
            options = {"rate": self.options["rate"], "allow_pipes": self.options["allow_pipes"]}
            try:
                self._info[recording] = audio_info(self.entries[recording], **options)
            except AudioError as error:
                raise AudioError(f"{self.path}: utterance {utterance!r}: {error}") from None
        return self._info[recording]

    def seconds(self, utterance: str) -> float:
        """Duration of an utterance as it is read, without reading its samples where there is a header.

        A segment may end a little behind its recording; what is behind is not counted.

        Raises:
            AudioError: a recording that cannot be read, or a segment that does not fit into it.
        """
        part, (samples, rate) = self.parts[utterance], self.info(utterance)
        try:
            first, last = sample_range(samples, rate, part.start, part.end)
        except AudioError as error:
            raise AudioError(f"{self.path}: utterance {utterance!r}: {self.entries[part.recording]}: {error}") from None
        return (last - first) / rate

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)
