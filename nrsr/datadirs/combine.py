"""Joining data directories."""

from collections.abc import Sequence
from pathlib import Path

from nrsr.folders import making
from nrsr.kaldi.contents import AUDIO_SCP, Contents
from nrsr.kaldi.datadir import DataDirError
from nrsr.kaldi.lists import c_sorted

# Lists that need not have each utterance; they are joined wherever one of the directories has them.
# All others are joined only where every directory has them, as in Kaldi.
PARTIAL = ("utt2noise", "utt2noisefile", "utt2snr", "utt2emotion")


def combine(paths: Sequence[str | Path], out: str | Path) -> list[str]:
    """Write one directory with the utterances of several.

    Where only some have `segments`, the recordings of the others become segments of their own.

    Returns:
        One line for each list or file that is left out because not all directories have it.

    Raises:
        DataDirError: an utterance in two directories, ids with two values, segments in one directory and no wav.scp
            in another, or `out` among `paths`.
    """
    if any(Path(path).resolve() == Path(out).resolve() for path in paths):
        raise DataDirError(f"{out}: is one of the directories to be joined; choose another folder to write to")
    loaded = [(str(path), Contents.load(path)) for path in paths]
    joined, notes = join(loaded)
    with making(out, "nrsr combine-data"):
        joined.write(out)
    return [f"{out}: {note}" for note in notes]


def join(directories: list[tuple[str, Contents]]) -> tuple[Contents, list[str]]:
    """The contents of several directories (name, contents) as one, and notes of what is left out."""
    check_disjoint(directories)
    segmented = [path for path, contents in directories if "segments" in contents.lists]
    if segmented:
        for path, contents in directories:
            if "segments" not in contents.lists and "wav.scp" not in contents.lists:
                raise DataDirError(
                    f"{path}: has no wav.scp, so that its utterances cannot become segments as in {segmented[0]}; add "
                    "wav.scp, or join features alone: copies of the others without segments, wav.scp and reco2*"
                )
        directories = [(path, contents.with_segments()) for path, contents in directories]
    joined = Contents(c_sorted(key for _, contents in directories for key in contents.utterances), {}, {})
    notes = []
    for name in sorted({name for _, contents in directories for name in contents.lists}):
        having = [(path, contents) for path, contents in directories if name in contents.lists]
        if len(having) < len(directories) and name not in PARTIAL and not AUDIO_SCP.fullmatch(name):
            lacking = next(path for path, contents in directories if name not in contents.lists)
            notes.append(f"{name} is left out, since {lacking} has none")
            continue
        kinds = {contents.kinds[name] for _, contents in having}
        if len(kinds) > 1:
            raise DataDirError(f"{name} is listed by {' and by '.join(sorted(kinds))}; remove it from some directories")
        joined.add(name, kinds.pop(), join_lists(name, having))
    notes += join_extras(joined, directories)
    return joined, notes


def check_disjoint(directories: list[tuple[str, Contents]]) -> None:
    """Raise a DataDirError if two directories have an utterance of the same id."""
    owner: dict[str, str] = {}
    for path, contents in directories:
        for utterance in contents.utterances:
            if utterance in owner:
                raise DataDirError(
                    f"{path}: utterance {utterance!r} is also in {owner[utterance]}; "
                    "give one of them other ids, or take a subset first"
                )
            owner[utterance] = path


def join_lists(name: str, having: list[tuple[str, Contents]]) -> dict[str, str]:
    """The union of a list; speakers and recordings in several directories must have the same values."""
    entries: dict[str, str] = {}
    for path, contents in having:
        for key, value in contents.lists[name].items():
            if entries.setdefault(key, value) != value:
                raise DataDirError(f"{path}/{name}: {key!r} has another value than before; make its id unique")
    return entries


def join_extras(joined: Contents, directories: list[tuple[str, Contents]]) -> list[str]:
    """Copy files such as frame_shift where all directories have the same."""
    notes = []
    files = {file.name: [] for _, contents in directories for file in contents.extra}
    for _, contents in directories:
        for file in contents.extra:
            files[file.name].append(file)
    for name, copies in sorted(files.items()):
        if len(copies) == len(directories) and len({file.read_bytes() for file in copies}) == 1:
            joined.extra.append(copies[0])
        else:
            notes.append(f"{name} is left out, since it is not the same in all directories")
    joined.left = sorted({name for _, contents in directories for name in contents.left})
    return notes
