"""Repairing a data directory: sort it, and drop what is incomplete or broken, listing each."""

from collections.abc import Iterator
from pathlib import Path

from nrsr.files import atomic_copy
from nrsr.kaldi.audio import MAX_OVERSHOOT, AudioError, audio_info
from nrsr.kaldi.audio_checks import HEADERLESS_RATE
from nrsr.kaldi.contents import AUDIO_SCP, Contents, kind_of_name
from nrsr.kaldi.datadir import DataDirError, Segment
from nrsr.kaldi.lists import c_sorted, scan_list, split_words
from nrsr.kaldi.recordings import HEADERLESS
from nrsr.kaldi.streams import is_pipe

REQUIRED = ("utt2spk", "segments", "text", "feats.scp", "utt2lang")
REMADE = ("utt2dur", "utt2num_frames")  # found again from the audio and the features
BACKUP = ".backup"
SHOWN = 20  # ids in a note


def fix(path: str | Path) -> list[str]:
    """Sort all lists, drop utterances that lack something or whose audio is broken, and make spk2utt anew.

    The lists as they were are kept in the folder .backup. Commands in wav.scp are neither run nor dropped.

    Returns:
        One line for each line, utterance and file that was dropped, with the reason.

    Raises:
        DataDirError: no data directory, or no utterance would be left (then nothing is changed).
    """
    path = Path(path)
    contents, notes = load_leniently(path)
    notes += foreign_entries(path, contents)
    reasons = dict(reasons_to_drop(contents))
    contents.utterances = [utterance for utterance in contents.utterances if utterance not in reasons]
    notes += [f"{path}: utterance {utterance!r} dropped: {reason}" for utterance, reason in reasons.items()]
    if not contents.utterances:
        raise DataDirError(f"{path}: no utterance would be left, so nothing was changed; the first: {notes[0]}")
    kept = contents.select(contents.utterances)
    notes += [f"{path / name}: {note}" for name, note in drop_stale_lists(kept)]
    keep_backup(path)
    kept.write(path)
    return notes


def load_leniently(path: Path) -> tuple[Contents, list[str]]:
    """All usable lines of a directory, and a note for each line that is not."""
    if not path.is_dir():
        raise DataDirError(f"{path}: there is no such folder; check the path or run the stage that makes it")
    segmented = (path / "segments").is_file()
    contents, notes, unknown = Contents([], {}, {}), [], []
    for file in sorted(path.iterdir()):
        if not file.is_file() or file.name.startswith("."):
            continue
        kind = kind_of_name(file.name, segmented)
        if kind is None:
            unknown.append(file)
            continue
        entries, bad = scan_list(file)
        notes += [f"{file}:{line.number}: line dropped: {line.problem}" for line in bad if line.lost]
        contents.add(file.name, kind, {key: line.value for key, line in entries.items() if line.value})
    spk2utt = contents.lists.pop("spk2utt", {})
    if "utt2spk" not in contents.lists and spk2utt:
        utt2spk = {utterance: speaker for speaker, text in spk2utt.items() for utterance in split_words(text)}
        contents.add("utt2spk", "utterance", utt2spk)
    required = required_lists(contents)
    if not required:
        raise DataDirError(f"{path}: has none of {', '.join(REQUIRED)} and wav.scp; it is no data directory")
    contents.utterances = c_sorted(set().union(*(contents.lists[name] for name in required)))
    for file in unknown:
        contents.add_unknown(file)
    contents.find_recording_lists()
    return contents, notes


def foreign_entries(path: Path, contents: Contents) -> Iterator[str]:
    """A note for each list with entries of utterances, speakers or recordings that the directory lacks."""
    known: dict[str, set[str]] = {
        "utterance": set(contents.utterances),
        "speaker": set(contents.lists.get("utt2spk", {}).values()),
        "recording": contents.recordings(contents.utterances),
    }
    for name, entries in contents.lists.items():
        kind = contents.kinds[name]
        if foreign := c_sorted(entries.keys() - known[kind]):
            shown = " ".join(foreign[:SHOWN]) + (" ..." if len(foreign) > SHOWN else "")
            yield f"{path / name}: {len(foreign)} lines dropped, since no utterance has the {kind}: {shown}"


def required_lists(contents: Contents) -> list[str]:
    """The lists that must have each utterance."""
    return [name for name in (*REQUIRED, "wav.scp") if name in contents.lists and contents.kinds[name] == "utterance"]


def reasons_to_drop(contents: Contents) -> Iterator[tuple[str, str]]:
    """(utterance, why it cannot stay)."""
    required = required_lists(contents)
    segments = contents.lists.get("segments")
    recordings = contents.lists.get("wav.scp")
    audio: dict[str, float | str] = {}
    for utterance in contents.utterances:
        missing = [name for name in required if utterance not in contents.lists[name]]
        if missing:
            yield utterance, f"it is not in {', '.join(missing)}"
            continue
        speaker = contents.lists.get("utt2spk", {}).get(utterance, utterance)
        if len(speaker.split()) != 1:
            yield utterance, f"its speaker {speaker!r} contains white space"
            continue
        try:
            part = Segment.parse(segments[utterance]) if segments is not None else Segment(utterance, 0.0, -1.0)
        except ValueError as error:
            yield utterance, f"its line of segments {error}"
            continue
        if recordings is None:
            continue
        if part.recording not in recordings:
            yield utterance, f"its recording {part.recording!r} is not in wav.scp"
            continue
        if part.recording not in audio:
            audio[part.recording] = seconds_or_problem(recordings[part.recording])
        length = audio[part.recording]
        if isinstance(length, str):
            yield utterance, f"its audio {length}"
        elif part.start >= length or part.end > length + MAX_OVERSHOOT:
            yield utterance, f"its segment ends at {part.end} s, behind its recording's end at {length:.2f} s"


def seconds_or_problem(entry: str) -> float | str:
    """Duration of a recording, or what is wrong with it; commands and headerless files are taken as endless."""
    if is_pipe(entry):
        return float("inf")
    try:
        samples, rate = audio_info(entry, rate=HEADERLESS_RATE)
    except AudioError as error:
        return str(error)
    return float("inf") if Path(entry).suffix.lower() in HEADERLESS else samples / rate


def drop_stale_lists(contents: Contents) -> Iterator[tuple[str, str]]:
    """Take out counts that do not cover all utterances, and parallel audio that is broken: (list, note)."""
    for name in REMADE:
        entries = contents.lists.get(name)
        if entries is None:
            continue
        if entries.keys() != set(contents.utterances) or not all(map(is_positive, entries.values())):
            del contents.lists[name]
            yield name, "file removed: it lacks utterances or holds no numbers; it can be made anew"
    for name, entries in contents.lists.items():
        if AUDIO_SCP.fullmatch(name):
            for key in list(entries):
                problem = seconds_or_problem(entries[key])
                if isinstance(problem, str):
                    del entries[key]
                    yield name, f"{key!r} dropped from this list: {problem}"


def is_positive(text: str) -> bool:
    """Whether a text is a finite number above 0."""
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def keep_backup(path: Path) -> None:
    """Copy the lists as they are into .backup."""
    for file in path.iterdir():
        if file.is_file() and (kind_of_name(file.name, False) or file.suffix == ".scp"):
            atomic_copy(file, path / BACKUP / file.name)
