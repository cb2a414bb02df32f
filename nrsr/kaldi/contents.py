"""Everything a data directory lists, in memory: choose utterances of it, and write it elsewhere."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nrsr.files import atomic_copy
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.lists import ListError, c_sorted, read_list, split_words, write_list

Kind = Literal["utterance", "speaker", "recording"]
AUDIO_SCP = re.compile(r"(spk|noise|dereverb)\d+\.scp")  # ESPnet's names of parallel audio
UTTERANCE_FILE = re.compile(r"text|text_spk\d+|segments|utt2.+|(feats|vad|ali)\.scp")
LABELS = re.compile(r"utt2.+|spk2[a-z]\w+")
# Lists of these names that say something of the audio, or of what was mixed into it.
NO_LABELS = {
    "utt2dur", "utt2num_frames", "utt2audio", "utt2source_audio", "utt2noise", "utt2noisefile", "utt2snr", "utt2spk",
    "spk2utt",
}  # fmt: skip
MAX_EXTRA = 1 << 16  # bytes; settings such as frame_shift are copied, large files are not


def kind_of_name(name: str, segmented: bool) -> Kind | None:
    """The kind of ids in a file of this name in Kaldi's and ESPnet's directories, or None for an unknown name.

    Args:
        segmented: whether the directory has `segments`, so that wav.scp lists recordings.
    """
    if UTTERANCE_FILE.fullmatch(name) or AUDIO_SCP.fullmatch(name):
        return "utterance"
    if name == "wav.scp":
        return "recording" if segmented else "utterance"
    if name.startswith("spk2") and not name.endswith(".ark"):  # spk2.ark is the audio of second speakers
        return "speaker"
    return "recording" if name.startswith("reco2") else None


def label_lists(path: Path) -> list[str]:
    """Names of the lists that say what an utterance or a speaker is, whatever its audio goes through: utt2emotion,
    spk2gender, a list of one's own.
    """
    names = sorted(file.name for file in path.iterdir() if file.is_file())
    return [name for name in names if LABELS.fullmatch(name) and name not in NO_LABELS]


def spk2utt_of(utt2spk: Mapping[str, str]) -> dict[str, str]:
    """speaker -> its utterances in the C locale's order, separated by spaces."""
    lists: dict[str, list[str]] = {}
    for utterance in c_sorted(utt2spk):
        lists.setdefault(utt2spk[utterance], []).append(utterance)
    return {speaker: " ".join(utterances) for speaker, utterances in lists.items()}


def write_lists(path: Path, lists: Mapping[str, Mapping[str, object]]) -> None:
    """Write the lists of a data directory, file name -> id -> value, and remove those of an earlier run."""
    for name, entries in lists.items():
        write_list(path / name, entries)
    remove_other_lists(path, lists)


def remove_other_lists(path: Path, keep: Collection[str]) -> None:
    """Remove lists of an earlier run from a data directory, all but `keep`, and their arks; feats.yaml too."""
    for file in path.iterdir():
        is_list = kind_of_name(file.name, False) is not None or file.name in ("cmvn.scp", "feats.yaml")
        if is_list and file.is_file() and file.name not in keep:
            file.unlink()
            if file.suffix == ".scp":
                file.with_suffix(".ark").unlink(missing_ok=True)


@dataclass
class Contents:
    """The lists of a data directory.

    Attributes:
        utterances: ids in the C locale's order.
        lists: file name -> id -> value; without spk2utt, which is made from utt2spk.
        kinds: file name -> what it is listed by.
        extra: small files that list nothing, such as frame_shift.
        left: names of larger files that are not copied.
    """

    utterances: list[str]
    lists: dict[str, dict[str, str]]
    kinds: dict[str, Kind]
    extra: list[Path] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: str | Path) -> "Contents":
        """Read all lists of a directory; files of unknown names are classified by their ids.

        Raises:
            DataDirError, ListError: no data directory, or a broken list (see nrsr validate-data).
        """
        data = DataDir(path)
        contents = cls(data.utterances, {}, {})
        unknown = []
        for file in sorted(data.path.iterdir()):
            if not file.is_file() or file.name.startswith(".") or file.name == "spk2utt":
                continue
            kind = kind_of_name(file.name, data.has("segments"))
            if kind is None:
                unknown.append(file)
            else:
                contents.add(file.name, kind, data.read(file.name, allow_empty_values=file.name.startswith("text")))
        for file in unknown:
            contents.add_unknown(file)
        contents.find_recording_lists()
        return contents

    def find_recording_lists(self) -> None:
        """With segments, parallel audio is sometimes listed by recording, as wav.scp is."""
        recordings = self.recordings(self.utterances) if "segments" in self.lists else set()
        for name, entries in self.lists.items():
            if AUDIO_SCP.fullmatch(name) and entries and entries.keys() <= recordings:
                self.kinds[name] = "recording"

    def add(self, name: str, kind: Kind, entries: dict[str, str]) -> None:
        """Add or replace a list: its file name, what its keys are, and its entries."""
        self.lists[name], self.kinds[name] = entries, kind

    def add_unknown(self, file: Path) -> None:
        """Add a file of unknown name by its ids, or copy it if it is small."""
        if file.suffix == ".ark":
            return  # the scps name arks by their paths, wherever they are
        try:
            entries = read_list(file, allow_empty_values=True)
        except ListError:
            entries = {}
        known: dict[Kind, Collection[str]] = {
            "utterance": set(self.utterances),
            "speaker": set(self.lists.get("utt2spk", {}).values()),
            "recording": self.recordings(self.utterances),
        }
        for kind, ids in known.items():
            if entries and entries.keys() <= ids:
                self.add(file.name, kind, entries)
                return
        if file.stat().st_size <= MAX_EXTRA:
            self.extra.append(file)
        else:
            self.left.append(file.name)

    def recordings(self, utterances: Iterable[str]) -> set[str]:
        """The recordings that these utterances are parts of."""
        segments = self.lists.get("segments")
        if segments is None:
            return set(utterances)
        return {split_words(segments[utterance])[0] for utterance in utterances if utterance in segments}

    def select(self, utterances: Collection[str]) -> "Contents":
        """The same directory with these utterances alone, and with their speakers and recordings."""
        chosen = set(utterances)
        utt2spk = self.lists.get("utt2spk", {})
        keep: dict[Kind, set[str]] = {
            "utterance": chosen,
            "speaker": {utt2spk[utterance] for utterance in chosen if utterance in utt2spk},
            "recording": self.recordings(chosen),
        }
        lists = {
            name: {key: value for key, value in entries.items() if key in keep[self.kinds[name]]}
            for name, entries in self.lists.items()
        }
        return Contents(c_sorted(chosen), lists, dict(self.kinds), list(self.extra), list(self.left))

    def with_segments(self) -> "Contents":
        """The same directory with each whole recording as a segment of its own (end -1 is the end of the file)."""
        if "segments" in self.lists:
            return self
        lists = {**self.lists, "segments": {utterance: f"{utterance} 0 -1" for utterance in self.lists["wav.scp"]}}
        kinds: dict[str, Kind] = {**self.kinds, "segments": "utterance", "wav.scp": "recording"}
        return Contents(self.utterances, lists, kinds, list(self.extra), list(self.left))

    def write(self, path: str | Path) -> None:
        """Write all lists, sorted; lists of an earlier run that are not written now are removed.

        Raises:
            DataDirError: there is no utterance to write.
        """
        if not self.utterances:
            raise DataDirError(f"{path}: no utterance would be in it; choose at least one")
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        written = dict(self.lists)
        if "utt2spk" in written:
            written["spk2utt"] = spk2utt_of(written["utt2spk"])
        for name, entries in written.items():
            write_list(path / name, entries)
        for file in self.extra:
            if file.parent.resolve() != path.resolve():
                atomic_copy(file, path / file.name)
        remove_other_lists(path, {*written, *self.left, *(file.name for file in self.extra)})
