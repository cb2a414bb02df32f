"""Checking a data directory: every failure with file, line and cure, not only the first one."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nrsr.errors import NrsrError
from nrsr.folders import refuse_incomplete
from nrsr.kaldi.audio_checks import AudioCheck
from nrsr.kaldi.audio_states import StaleError, refuse_stale_features
from nrsr.kaldi.contents import AUDIO_SCP, kind_of_name, spk2utt_of
from nrsr.kaldi.datadir import UTTERANCE_LISTS, DataDir, DataDirError
from nrsr.kaldi.lists import Line, scan_list, split_words
from nrsr.kaldi.streams import is_pipe
from nrsr.kaldi.tables import split_entry

NEEDED = ("wav.scp", "utt2spk", "spk2utt")
# Lists that may leave utterances out: clean utterances have no noise, real ones no parallel clean speech.
COMPLETE = ("text", "utt2spk", "segments", "feats.scp", "utt2dur", "utt2num_frames", "utt2uniq", "utt2lang")
NUMBERS = ("utt2dur", "utt2num_frames", "reco2dur")


class Report(NamedTuple):
    """The result of checking a data directory.

    Attributes:
        failures: one line for each, naming file, line and cure; empty for a valid directory.
        notes: remarks that are no failures: options needed, assumptions made.
    """

    failures: list[str]
    notes: list[str]


def validate(path: str | Path, *, need: tuple[str, ...] = NEEDED, allow_pipes: bool = False) -> list[str]:
    """The failures of `check`."""
    return check(path, need=need, allow_pipes=allow_pipes).failures


def check(
    path: str | Path, *, need: tuple[str, ...] = NEEDED, channel: int | None = None, allow_pipes: bool = False
) -> Report:
    """Check a data directory.

    Args:
        need: files that must be there.
        channel: to read of recordings with several, counted from 0.
        allow_pipes: accept entries of wav.scp that are commands; they are not run here.

    Raises:
        DataDirError: there is no such folder.
        IncompleteFolder: the command that makes it has not finished.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataDirError(f"{path}: there is no such folder; check the path or run the stage that makes it")
    refuse_incomplete(path)
    checker = Checker(path, need, channel, allow_pipes)
    return Report(list(checker.failures()), checker.notes)


class Checker:
    """One validation: the lists of a directory and the ids they must hold."""

    def __init__(self, path: Path, need: tuple[str, ...], channel: int | None, allow_pipes: bool):
        self.path, self.need, self.channel, self.allow_pipes = path, need, channel, allow_pipes
        self.notes: list[str] = []
        self.segmented = (path / "segments").is_file()
        self.lists: dict[str, dict[str, Line]] = {}
        self.bad_lines: list[str] = []
        for file in sorted(path.iterdir()):
            if file.is_file() and (kind_of_name(file.name, self.segmented) or file.name == "cmvn.scp"):
                self.lists[file.name], bad = scan_list(file)
                self.bad_lines += [f"{file}:{line.number}: {line.problem}; {line.cure}" for line in bad]
        self.base = next((name for name in UTTERANCE_LISTS if name in self.lists), None)
        self.utterances = set(self.lists[self.base]) if self.base else set()
        self.speakers = {line.value for line in self.lists.get("utt2spk", {}).values()}

    def failures(self) -> Iterator[str]:
        """All failures, the plainest first."""
        for name in self.need:
            if not (self.path / name).is_file():
                yield f"{self.path / name}: is missing; {cure_of_missing(name, self.path)}"
        if self.base is None:
            yield f"{self.path}: has none of {', '.join(UTTERANCE_LISTS)}; it is no data directory"
            return
        if not self.utterances:
            yield f"{self.path / self.base}: lists no utterances; run the stage that makes it again"
        yield from self.bad_lines
        yield from self.unmatched_ids()
        yield from self.speakers_and_utterances()
        yield from self.numbers()
        audio = AudioCheck(self.path, self.lists, self.channel, self.allow_pipes)
        yield from audio.failures()
        self.notes += audio.notes
        yield from self.tables()

    def at(self, name: str, key: str) -> str:
        """FILE:LINE of a key in one of the lists, for messages."""
        return f"{self.path / name}:{self.lists[name][key].number}"

    def unmatched_ids(self) -> Iterator[str]:
        """Ids that one list has and another lacks."""
        segments = {
            key: split_words(line.value)[0] for key, line in self.lists.get("segments", {}).items() if line.value
        }
        recordings = set(segments.values()) if self.segmented else self.utterances
        known = {"utterance": self.utterances, "speaker": self.speakers, "recording": recordings}
        for name, entries in self.lists.items():
            kind = kind_of_name(name, self.segmented)
            if name in (self.base, "spk2utt") or kind is None:
                continue
            expected = known[kind]
            if self.segmented and AUDIO_SCP.fullmatch(name) and entries.keys() <= recordings:
                expected = recordings
            origin = {"utterance": self.base, "speaker": "utt2spk", "recording": "segments"}[kind]
            if kind == "recording" and not self.segmented:
                origin = self.base
            for key in sorted(entries.keys() - expected):
                yield f"{self.at(name, key)}: {kind} {key!r} is not in {origin}; add it there or remove the line"
            if name in COMPLETE or name == "wav.scp":
                for key in sorted(expected - entries.keys()):
                    yield (
                        f"{self.path / name}: lacks {kind} {key!r}, which {origin} has; add it, "
                        f"or drop it with nrsr fix-data {self.path}"
                    )

    def speakers_and_utterances(self) -> Iterator[str]:
        """spk2utt must be the inverse of utt2spk, and speakers prefixes of utterances."""
        if "utt2spk" not in self.lists:
            return
        utt2spk = {key: line.value for key, line in self.lists["utt2spk"].items() if line.value}
        for key, speaker in utt2spk.items():
            if len(speaker.split()) != 1:
                yield f"{self.at('utt2spk', key)}: speaker {speaker!r} contains white space; write _ instead"
        inverse = spk2utt_of(utt2spk)
        cure = f"make it anew from utt2spk with nrsr fix-data {self.path}"
        if "spk2utt" in self.lists:
            have = self.lists["spk2utt"]
            for speaker in sorted(inverse.keys() - have.keys()):
                yield f"{self.path}/spk2utt: lacks speaker {speaker!r} of utt2spk; {cure}"
            for speaker, line in have.items():
                if line.value != inverse.get(speaker) and " ".join(split_words(line.value)) != inverse.get(speaker):
                    yield f"{self.at('spk2utt', speaker)}: is not what utt2spk says of speaker {speaker!r}; {cure}"
        previous = ""
        for key in sorted(utt2spk):
            if utt2spk[key] < previous:
                yield (
                    f"{self.at('utt2spk', key)}: sorted by utterance, speaker {utt2spk[key]!r} comes behind "
                    f"{previous!r}; make speaker ids prefixes of utterance ids, as in {utt2spk[key]}-{key}"
                )
                return
            previous = utt2spk[key]

    def numbers(self) -> Iterator[str]:
        """Durations and frame counts."""
        for name in NUMBERS:
            for key, line in self.lists.get(name, {}).items():
                try:
                    good = 0 < float(line.value) < math.inf
                except ValueError:
                    good = False
                if line.value and not good:
                    yield f"{self.at(name, key)}: {line.value!r} of {key!r} is no positive number; make {name} anew"

    def tables(self) -> Iterator[str]:
        """Features of other audio, and arks of features and statistics that are not there, each once."""
        if "feats.scp" in self.lists:
            try:
                refuse_stale_features(DataDir(self.path))
            except StaleError as error:
                yield str(error)
            except NrsrError:
                pass  # of a broken list, which has been named by now
        for name in ("feats.scp", "cmvn.scp", "vad.scp", "ali.scp"):
            missing: dict[str, str] = {}
            for key, line in self.lists.get(name, {}).items():
                if not line.value or is_pipe(line.value):
                    continue
                try:
                    file = split_entry(line.value)[0]
                except NrsrError as error:
                    yield f"{self.at(name, key)}: {error}"
                    continue
                if file not in missing and not Path(file).is_file():
                    missing[file] = key
            for file, key in missing.items():
                yield f"{self.at(name, key)}: {file} of {key!r} is missing; make the table anew or remove {name}"


def cure_of_missing(name: str, path: Path) -> str:
    """How to get a required file."""
    if name == "spk2utt":
        return f"nrsr fix-data {path} makes it from utt2spk"
    if name == "utt2spk":
        return "write a line `utterance speaker` for each utterance, with the utterance as its own speaker if unknown"
    return "run the stage that makes it"
