"""A Kaldi data directory: its utterances, its lists, its audio."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, audio_info, read_audio
from nrsr.kaldi.lists import c_sorted, read_list, split_words

# The first of these that a directory has says which utterances it holds.
UTTERANCE_LISTS = ("utt2spk", "segments", "wav.scp", "text", "feats.scp")


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


class DataDir:
    """A folder with wav.scp, utt2spk, text and further lists.

    Args:
        path: the folder.

    Raises:
        DataDirError: there is no such folder, or no file in it lists utterances.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.is_dir():
            raise DataDirError(f"{path}: there is no such folder; check the path or run the stage that makes it")
        names = [name for name in UTTERANCE_LISTS if self.has(name)]
        if not names:
            raise DataDirError(f"{path}: has none of {', '.join(UTTERANCE_LISTS)}; it is no data directory")
        # Utterance ids in the C locale's order.
        self.utterances: list[str] = c_sorted(read_list(self.path / names[0], allow_empty_values=names[0] == "text"))

    def has(self, name: str) -> bool:
        """Whether the directory has this file."""
        return (self.path / name).is_file()

    def read(self, name: str, *, allow_empty_values: bool = False) -> dict[str, str]:
        """id -> rest of the line of a two-column file, in the order of the file.

        Raises:
            ListError: as lists.read_list.
        """
        return read_list(self.path / name, allow_empty_values=allow_empty_values)

    def segments(self) -> dict[str, Segment] | None:
        """utterance -> part of a recording, or None where utterances are whole recordings."""
        if not self.has("segments"):
            return None
        parts = {}
        for utterance, text in self.read("segments").items():
            try:
                parts[utterance] = Segment.parse(text)
            except ValueError as error:
                raise DataDirError(f"{self.path}/segments: utterance {utterance!r} {error}; correct the line") from None
        return parts

    def waves(
        self,
        scp: str = "wav.scp",
        *,
        rate: int | None = None,
        channel: int | None = None,
        resample: bool = False,
        allow_pipes: bool = False,
    ) -> "Waves":
        """utterance -> float32 samples [T] in [-1, 1), read when asked for.

        `segments` applies to wav.scp, and to any other scp whose ids are recordings; spk1.scp and its like
        are usually listed by utterance. The keys are the utterances that the scp has, in the C locale's order.

        Args:
            rate, channel, resample, allow_pipes: as audio.read_audio.

        Raises:
            ListError, DataDirError: a broken list, or a segment of a recording that is not there.
            AudioError: on access; names file, utterance and cure.
        """
        entries, segments = self.read(scp), self.segments()
        if segments is not None and scp != "wav.scp" and not entries.keys() <= {s.recording for s in segments.values()}:
            segments = None
        if segments is None:
            known = set(self.utterances)
            parts = {key: Segment(key, 0.0, -1.0) for key in c_sorted(entries) if key in known}
        else:
            parts = {key: segments[key] for key in self.utterances if key in segments}
            for key, part in parts.items():
                if part.recording not in entries:
                    raise DataDirError(
                        f"{self.path}/segments: utterance {key!r} is part of recording {part.recording!r}, which "
                        f"{scp} does not list; add it, or run nrsr fix-data {self.path}"
                    )
        options = {"rate": rate, "channel": channel, "resample": resample, "allow_pipes": allow_pipes}
        return Waves(self.path / scp, entries, parts, options)

    def all_waves(self, *, rate: int, allow_pipes: bool = False) -> "Waves":
        """`waves` of wav.scp, which must have every utterance.

        Raises:
            DataDirError: no utterances, or some without audio, besides what `waves` raises.
        """
        if not self.utterances:
            raise DataDirError(f"{self.path}: holds no utterances; check the path or run the stage that makes it")
        waves = self.waves(rate=rate, allow_pipes=allow_pipes)
        missing = [utterance for utterance in self.utterances if utterance not in waves]
        if missing:
            raise DataDirError(
                f"{self.path}: {len(missing)} utterances have no audio in wav.scp, the first is {missing[0]!r}; "
                f"run nrsr fix-data {self.path}"
            )
        return waves

    def durations(self, *, rate: int | None = None, allow_pipes: bool = False) -> dict[str, float]:
        """Seconds of each utterance that has audio: from utt2dur, else segments, else the headers of the audio.

        Args:
            rate: rate of headerless files.
        """
        known = self.read("utt2dur") if self.has("utt2dur") else {}
        seconds = {}
        for utterance in self.utterances:
            if utterance in known:
                seconds[utterance] = self.positive_seconds(utterance, known[utterance])
        missing = [utterance for utterance in self.utterances if utterance not in seconds]
        if missing and self.has("wav.scp"):
            waves = self.waves(rate=rate, allow_pipes=allow_pipes)
            seconds.update({utterance: waves.seconds(utterance) for utterance in missing if utterance in waves})
        return {utterance: seconds[utterance] for utterance in self.utterances if utterance in seconds}

    def positive_seconds(self, utterance: str, text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            raise DataDirError(
                f"{self.path}/utt2dur: {text!r} is no duration of utterance {utterance!r}; "
                "remove utt2dur and it is found from the audio"
            )
        return seconds


class Waves(Mapping):
    """The mapping behind DataDir.waves; it opens files only on access, so it can be sent to worker processes."""

    def __init__(self, path: Path, entries: dict[str, str], parts: dict[str, Segment], options: dict):
        self.path, self.entries, self.parts, self.options = path, entries, parts, options

    def __getitem__(self, utterance: str) -> np.ndarray:
        part = self.parts[utterance]
        options = dict(self.options)
        if options["channel"] is None:
            options["channel"] = part.channel
        try:
            wave, _ = read_audio(self.entries[part.recording], start=part.start, end=part.end, **options)
        except AudioError as error:
            raise AudioError(f"{self.path}: utterance {utterance!r}: {error}") from None
        return wave

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
        """(samples, rate) of the recording that an utterance is or is part of, by its header."""
        try:
            return audio_info(
                self.entries[self.parts[utterance].recording],
                rate=self.options["rate"],
                allow_pipes=self.options["allow_pipes"],
            )
        except AudioError as error:
            raise AudioError(f"{self.path}: utterance {utterance!r}: {error}") from None

    def seconds(self, utterance: str) -> float:
        """Duration of an utterance, without reading its samples where there is a header."""
        part = self.parts[utterance]
        if part.end >= 0:
            return part.end - part.start
        samples, rate = self.info(utterance)
        return samples / rate - part.start

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)
