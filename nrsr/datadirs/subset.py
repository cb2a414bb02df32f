"""Taking some utterances of a data directory into another."""

import random
from collections.abc import Collection
from pathlib import Path

from nrsr.folders import making
from nrsr.kaldi.contents import Contents
from nrsr.kaldi.datadir import DataDir, DataDirError


def subset(path: str | Path, out: str | Path, utterances: Collection[str]) -> Contents:
    """Write a directory with these utterances and what belongs to them.

    Raises:
        DataDirError: an utterance that is not there, no utterance at all, or `out` being `path`.
    """
    if Path(path).resolve() == Path(out).resolve():
        raise DataDirError(f"{out}: is the directory the subset is taken of; choose another folder to write to")
    contents = Contents.load(path)
    unknown = sorted(set(utterances) - set(contents.utterances))
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise DataDirError(f"{path}: has no utterance {unknown[0]!r}{more}; correct the list of ids")
    chosen = contents.select(utterances)
    with making(out, "nrsr subset-data"):
        chosen.write(out)
    return chosen


def check_count(path: str | Path, count: int, have: int) -> None:
    """Raise a DataDirError unless `count` utterances, at least one, can be drawn from `have`."""
    if not 1 <= count <= have:
        raise DataDirError(f"{path}: {count} of {have} utterances are asked for; ask for 1 to {have}")


def first(path: str | Path, count: int) -> list[str]:
    """The first utterances in the C locale's order."""
    utterances = DataDir(path).utterances
    check_count(path, count, len(utterances))
    return utterances[:count]


def at_random(path: str | Path, count: int, seed: int) -> list[str]:
    """Utterances drawn without replacement; the same for the same ids and seed, whatever the order of the files."""
    utterances = DataDir(path).utterances
    check_count(path, count, len(utterances))
    return sorted(random.Random(seed).sample(utterances, count))


def share_of_speakers(path: str | Path, share: float, seed: int) -> list[str]:
    """So large a share of each speaker's utterances, rounded, but one at least; drawn as `at_random` does.

    Raises:
        DataDirError: a share outside 0 to 1.
    """
    if not 0 < share <= 1:
        raise DataDirError(f"{path}: a share of {share:g} of the utterances is asked for; ask for 0 to 1")
    utterances_of: dict[str, list[str]] = {}
    for utterance, speaker in sorted(DataDir(path).read("utt2spk").items()):
        utterances_of.setdefault(speaker, []).append(utterance)
    draw = random.Random(seed)
    return sorted(
        chosen
        for speaker in sorted(utterances_of)
        for chosen in draw.sample(utterances_of[speaker], max(1, int(share * len(utterances_of[speaker]) + 0.5)))
    )


def shortest(path: str | Path, count: int, *, allow_pipes: bool = False) -> list[str]:
    """The shortest utterances; of equal ones the first in order."""
    seconds = DataDir(path).durations(allow_pipes=allow_pipes)
    check_count(path, count, len(seconds))
    return sorted(sorted(seconds, key=lambda utterance: (seconds[utterance], utterance))[:count])


def of_speakers(path: str | Path, speakers: Collection[str]) -> list[str]:
    """All utterances of these speakers.

    Raises:
        DataDirError: a speaker that is not there.
    """
    utt2spk = DataDir(path).read("utt2spk")
    unknown = sorted(set(speakers) - set(utt2spk.values()))
    if unknown:
        raise DataDirError(f"{path}/utt2spk: has no speaker {unknown[0]!r}; correct the list of speakers")
    return [utterance for utterance, speaker in utt2spk.items() if speaker in set(speakers)]
