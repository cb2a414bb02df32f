"""A Kaldi data directory: its utterances, its lists, its audio."""

import math
from pathlib import Path

from nrsr.folders import refuse_incomplete
from nrsr.kaldi.lists import c_sorted, read_list
from nrsr.kaldi.waves import DataDirError, Segment, Waves

# The first of these that a directory has says which utterances it holds.
UTTERANCE_LISTS = ("utt2spk", "segments", "wav.scp", "text", "feats.scp")


class DataDir:
    """A folder with wav.scp, utt2spk, text and further lists.

    Args:
        path: the folder.
        channel: to read of recordings with several, counted from 0; None where they have one, or segments name
            it.

    Raises:
        DataDirError: there is no such folder, or no file in it lists utterances.
        IncompleteFolder: the command that makes it has not finished.
    """

    def __init__(self, path: str | Path, *, channel: int | None = None):
        self.path, self.channel = Path(path), channel
        if channel is not None and (type(channel) is not int or channel < 0):
            raise DataDirError(f"{path}: channel {channel!r} is no whole number from 0; take the number of a channel")
        if not self.path.is_dir():
            raise DataDirError(f"{path}: there is no such folder; check the path or run the stage that makes it")
        refuse_incomplete(self.path)
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
        resample: bool = False,
        allow_pipes: bool = False,
    ) -> "Waves":
        """utterance -> float32 samples [T] in [-1, 1), read when asked for.

        `segments` applies to wav.scp, and to any other scp whose ids are recordings; spk1.scp and its like
        are usually listed by utterance, and may be mono where `segments` names a channel. The keys are the utterances
        that the scp has, in the C locale's order. Audio that is longer or shorter than utt2dur says is refused.

        Args:
            rate, resample, allow_pipes: as audio.read_audio.

        Raises:
            ListError, DataDirError: a broken list, or a segment of a recording that is not there.
            AudioError, DataDirError: on access; names file, utterance and cure.
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
        options = {"rate": rate, "channel": self.channel, "resample": resample, "allow_pipes": allow_pipes}
        options["require_channel"] = scp == "wav.scp" and self.channel is None
        return Waves(self.path / scp, entries, parts, options, self.written_durations())

    def all_waves(self, *, rate: int | None, allow_pipes: bool = False) -> "Waves":
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
        """Seconds of each utterance that has audio: from utt2dur, else from the headers of the audio and segments.

        Args:
            rate: rate of headerless files.
        """
        seconds = self.written_durations()
        missing = [utterance for utterance in self.utterances if utterance not in seconds]
        if missing and self.has("wav.scp"):
            waves = self.waves(rate=rate, allow_pipes=allow_pipes)
            seconds.update({utterance: waves.seconds(utterance) for utterance in missing if utterance in waves})
        return {utterance: seconds[utterance] for utterance in self.utterances if utterance in seconds}

    def written_durations(self) -> dict[str, float]:
        """Seconds of the utterances that utt2dur has; none without it."""
        known = self.read("utt2dur") if self.has("utt2dur") else {}
        return {name: self.positive_seconds(name, known[name]) for name in self.utterances if name in known}

    def positive_seconds(self, utterance: str, text: str) -> float:
        """A duration of utt2dur in seconds; raises a DataDirError unless it is finite and above 0."""
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
