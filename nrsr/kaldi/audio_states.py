"""Detects audio that has changed since something was computed from it, by size and time of each file.

Files computed from audio and used later (features, statistics, an unfinished training, separated speakers) have a list
of these beside them. Other checks find audio of another length; this one finds changes that keep the length.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.kaldi.contents import AUDIO_SCP
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.recordings import split_offset
from nrsr.kaldi.streams import is_pipe

FEATURES_OF = "utt2audio"  # list in a data directory: the audio of its features
SOURCES_OF = "utt2source_audio"  # list beside a system's outputs: the audio that it was applied to
UNKNOWN = "?"  # of what a command writes, and of files that cannot be looked at
SECOND = 10**9


class StaleError(NrsrError):
    """Something was computed from other audio than is there now."""


def audio_states(data: DataDir, *, parallel: bool = False) -> dict[str, str]:
    """utterance -> size and time of the file that holds its audio, as `32044@1700000000123456789`.

    Args:
        parallel: those of spk1.scp, noise1.scp and their like behind it.
    """
    scps = ["wav.scp"] if data.has("wav.scp") else []
    if parallel:
        scps += sorted(file.name for file in data.path.iterdir() if AUDIO_SCP.fullmatch(file.name))
    segments = data.segments() if data.has("segments") else None
    files: dict[str, str] = {}
    states: dict[str, list[str]] = {}
    for scp in scps:
        entries = data.read(scp)
        for utterance in data.utterances:
            recording = segments[utterance].recording if segments and utterance in segments else utterance
            entry = entries.get(recording, entries.get(utterance))
            if entry is not None:
                name = split_offset(entry)[0]
                if name not in files:
                    files[name] = file_state(name)
                states.setdefault(utterance, []).append(files[name])
    return {utterance: " ".join(parts) for utterance, parts in states.items()}


def file_state(name: str) -> str:
    """Size and time of one file."""
    if is_pipe(name):
        return UNKNOWN
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return UNKNOWN
    return f"{status.st_size}@{status.st_mtime_ns}"


def same(before: str, now: str) -> bool:
    """Whether two states of an utterance may be those of one audio."""
    if before == now:
        return True
    pairs = list(zip(before.split(), now.split(), strict=False))
    return len(before.split()) == len(now.split()) and all(same_file(*pair) for pair in pairs)


def same_file(before: str, now: str) -> bool:
    """Whether two states may be those of one file; some programs and disks keep whole seconds alone."""
    if before == now or UNKNOWN in (before, now):
        return True
    try:
        (size, time), (new_size, new_time) = (tuple(map(int, state.split("@"))) for state in (before, now))
    except ValueError:
        return False
    rounded = time % SECOND == 0 or new_time % SECOND == 0
    return size == new_size and rounded and time // SECOND == new_time // SECOND


def statistics_of(ark: str | Path) -> Path:
    """The list of audio states beside the ark of a system's statistics."""
    return Path(ark).with_suffix(".utt2audio")


def write_states(path: Path, states: Mapping[str, str]) -> None:
    """Write a list of states, or remove an earlier one where there is no audio."""
    if states:
        write_list(path, states)
    else:
        path.unlink(missing_ok=True)


def check_states(path: Path, data: DataDir, event: str, cure: str, *, parallel: bool = False) -> None:
    """Refuse files computed from other audio; utterances that only one side has do not count.

    Args:
        path: the list of write_states; without it nothing is refused.
        data: directory with the audio as it is now.
        event: what was computed from the audio, as a clause for the message.
        cure: what to do about it.
        parallel: as it was written.

    Raises:
        StaleError: some utterance's file has another size or time.
    """
    if path.is_file() and (changed := changed_utterances(path, audio_states(data, parallel=parallel))):
        raise StaleError(
            f"{data.path}: the audio of {len(changed)} utterances has changed since {event} (size or time of files), "
            f"the first is {changed[0]!r}; {cure}, or remove {path} if it is the same audio"
        )


def changed_utterances(path: Path, now: Mapping[str, str]) -> list[str]:
    """The utterances whose state is another one in the list `path`; those that only one side has do not count."""
    before = read_list(path)
    return [name for name, state in now.items() if name in before and not same(before[name], state)]


def refuse_stale_features(data: DataDir) -> None:
    """Refuse a directory whose audio has changed since its features were computed.

    Raises:
        StaleError: it has.
    """
    cure = f"run nrsr make-feats and compute-cmvn on {data.path} again"
    check_states(data.path / FEATURES_OF, data, "its features were made", cure)
