"""Checking the audio of a data directory by its headers: broken, of several channels, of another length than listed."""

import math
from collections.abc import Iterator
from pathlib import Path

from nrsr.kaldi.audio import MAX_OVERSHOOT, AudioError, AudioHeader, audio_header
from nrsr.kaldi.contents import AUDIO_SCP
from nrsr.kaldi.lists import Line, split_words
from nrsr.kaldi.recordings import HEADERLESS
from nrsr.kaldi.streams import is_pipe
from nrsr.kaldi.waves import DURATION_TOLERANCE, Segment

HEADERLESS_RATE = 16000  # for headerless audio, of which only the presence is checked


class AudioCheck:
    """The audio part of a validation.

    Args:
        lists: file name -> id -> line, of the directory `path`.
        channel: to read of recordings with several, or None.
        allow_pipes: accept entries that are commands.

    Attributes:
        notes: remarks that are no failures; complete when `failures` has been iterated.
    """

    def __init__(self, path: Path, lists: dict[str, dict[str, Line]], channel: int | None, allow_pipes: bool):
        self.path, self.lists, self.channel, self.allow_pipes = path, lists, channel, allow_pipes
        self.notes: list[str] = []

    def at(self, name: str, key: str) -> str:
        """FILE:LINE of a key in one of the lists, for messages."""
        return f"{self.path / name}:{self.lists[name][key].number}"

    def failures(self) -> Iterator[str]:
        """Audio that is missing or broken, and segments that do not fit into it."""
        seconds: dict[str, float] = {}
        channels: dict[str, int] = {}
        for name, entries in self.lists.items():
            if name != "wav.scp" and not AUDIO_SCP.fullmatch(name):
                continue
            pipes = [key for key, line in entries.items() if is_pipe(line.value)]
            if pipes and not self.allow_pipes:
                yield (
                    f"{self.at(name, pipes[0])}: {len(pipes)} entries are commands, the first that of {pipes[0]!r}; "
                    "pass --allow-pipes if you trust this data"
                )
            headers: dict[str, AudioHeader] = {}
            for key, line in entries.items():
                if not line.value or is_pipe(line.value):
                    continue
                try:
                    header = audio_header(line.value, rate=HEADERLESS_RATE)
                except AudioError as error:
                    yield f"{self.at(name, key)}: {key!r}: {error}"
                    continue
                headers[key] = header
                if self.channel is not None and self.channel >= header.channels > 1:
                    yield (
                        f"{self.at(name, key)}: {key!r} has no channel {self.channel}, only 0..{header.channels - 1}; "
                        "give another --channel"
                    )
                if name == "wav.scp":
                    channels[key] = header.channels
                    if Path(line.value).suffix.lower() not in HEADERLESS:
                        seconds[key] = header.samples / header.rate
            self.note_headers(name, headers)
        if "segments" not in self.lists:
            yield from self.stale_durations("utt2dur", seconds)
            return
        parts: dict[str, Segment] = {}
        for key, line in self.lists["segments"].items():
            try:
                parts[key] = Segment.parse(line.value)
            except ValueError as error:
                yield f"{self.at('segments', key)}: utterance {key!r} {error}; correct the line"
        yield from self.segment_times(parts, seconds)
        yield from self.segment_channels(parts, channels)
        yield from self.stale_durations("reco2dur", seconds)
        # Of a segment that ends behind its recording, utt2dur may have either length.
        whole = {key: part for key, part in parts.items() if 0 <= part.end <= seconds.get(part.recording, math.inf)}
        yield from self.stale_durations("utt2dur", {key: part.end - part.start for key, part in whole.items()})

    def note_headers(self, name: str, headers: dict[str, AudioHeader]) -> None:
        """Recordings of several channels, mono ones beside them, and those whose header lacks their length."""
        several = [key for key, header in headers.items() if header.channels > 1]
        chosen = self.channel is not None or (name == "wav.scp" and self.segments_name_channels())
        if several and not chosen:
            first = several[0]
            self.notes.append(
                f"{self.at(name, first)}: {len(several)} of {len(headers)} recordings have several channels, the first "
                f"{first!r} has {headers[first].channels}; choose one with --channel, or data.channel in a config"
            )
        mono = [key for key, header in headers.items() if header.channels == 1]
        if self.channel and mono:
            self.notes.append(
                f"{self.at(name, mono[0])}: {len(mono)} of {len(headers)} recordings have one channel, which is read "
                f"instead of channel {self.channel}, the first {mono[0]!r}"
            )
        if assumed := [key for key, header in headers.items() if header.assumed]:
            first = assumed[0]
            self.notes.append(
                f"{self.at(name, first)}: {len(assumed)} of {len(headers)} recordings do not state their length, the "
                f"first {first!r}: {headers[first].assumed}"
            )

    def segments_name_channels(self) -> bool:
        """Whether each line of segments ends with a channel."""
        lines = self.lists.get("segments", {}).values()
        return bool(lines) and all(len(split_words(line.value)) == 4 for line in lines)

    def segment_times(self, parts: dict[str, Segment], seconds: dict[str, float]) -> Iterator[str]:
        """Segments that end behind their recordings."""
        for key, part in parts.items():
            length = seconds.get(part.recording, math.inf)
            if part.start >= length or part.end > length + MAX_OVERSHOOT:
                yield (
                    f"{self.at('segments', key)}: utterance {key!r} ends at {part.end} s, behind the end of recording "
                    f"{part.recording!r} at {length:.2f} s; correct the times or drop the utterance"
                )

    def segment_channels(self, parts: dict[str, Segment], channels: dict[str, int]) -> Iterator[str]:
        """Segments of channels that their recordings lack, unless another channel is chosen for all."""
        for key, part in parts.items() if self.channel is None else ():
            known = channels.get(part.recording)
            if known is not None and part.channel is not None and not 0 <= part.channel < known:
                yield (
                    f"{self.at('segments', key)}: utterance {key!r} is of channel {part.channel}, but recording "
                    f"{part.recording!r} has 0..{known - 1} alone; correct the channel, or drop the utterance"
                )

    def stale_durations(self, name: str, seconds: dict[str, float]) -> Iterator[str]:
        """Durations that were found on other audio, for example before a change of speed."""
        for key, line in self.lists.get(name, {}).items():
            try:
                difference = abs(float(line.value) - seconds.get(key, float(line.value)))
            except ValueError:
                continue
            if difference > DURATION_TOLERANCE:
                yield (
                    f"{self.at(name, key)}: says {line.value} s of {key!r}, whose audio has {seconds[key]:.2f} s; "
                    f"remove {name}, it is found from the audio"
                )
