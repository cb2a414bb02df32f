"""LibriMix as it lies on disk: one folder of WAVs for mixtures, each source and the noise, alike in names."""

import csv
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nrsr.corpora.files import LITTER, names_in
from nrsr.corpora.librimix_metadata import LibriMixError
from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi.audio import audio_info
from nrsr.kaldi.contents import spk2utt_of, write_lists
from nrsr.kaldi.lists import columns_of, read_lines
from nrsr.progress import track
from nrsr.workers import run_work

CURE = "make LibriMix with its own scripts, or give --librispeech-dir, --wham-dir and --metadata-dir"


@dataclass(frozen=True)
class TreeSet:
    """A set of mixtures on disk.

    Attributes:
        folder: holds the folders of mixtures, sources and noise.
        samples: mixture -> its samples.
        problems: what does not fit together, a line each.
    """

    folder: Path
    samples: dict[str, int]
    problems: list[str]


def sets_in(folder: Path, known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known sets that are there.

    Raises:
        LibriMixError: none.
    """
    present = tuple(name for name in known if (folder / name).is_dir())
    if not present:
        raise LibriMixError(f"{folder}: none of the folders {', '.join(known)} is there; {CURE}")
    return present


def read_set(folder: Path, parts: list[str], rate: int, nj: int) -> TreeSet:
    """Look at all files of a set by their headers: each mixture needs a file in each part, equally long.

    Args:
        parts: names of folders, last that of the mixtures.
        nj: processes.

    Raises:
        LibriMixError: a folder that is missing, or that holds no WAVs.
    """
    ids = {}
    for part in parts:
        if not (folder / part).is_dir():
            raise LibriMixError(f"{folder / part}: no such folder; {CURE}")
        names = names_in(folder / part)
        ids[part] = {name[:-4] for name in names if name.endswith(".wav") and not name.startswith(".")}
    everything = sorted(set().union(*ids.values()))
    if not everything:
        raise LibriMixError(f"{folder / parts[-1]}: holds no WAVs; {CURE}")
    missing = [
        f"{folder / part / name}.wav: no such file; {CURE}"
        for part in parts
        for name in everything
        if name not in ids[part]
    ]
    if missing:
        return TreeSet(folder, {}, missing)
    looking = run_work(functools.partial(make_look, folder, parts, rate), everything, nj)
    results = dict(zip(everything, track(looking, f"looking at {folder}", total=len(everything)), strict=True))
    problems = [result for result in results.values() if isinstance(result, str)]
    return TreeSet(folder, {name: result for name, result in results.items() if isinstance(result, int)}, problems)


def make_look(folder: Path, parts: list[str], rate: int) -> Callable[[str], int | str]:
    """A function that gives the samples of a mixture, or its problem."""

    def look(name: str) -> int | str:
        lengths = {}
        for part in parts:
            path = folder / part / f"{name}.wav"
            try:
                lengths[part], actual = audio_info(str(path))
            except NrsrError as error:
                return str(error)
            if actual != rate:
                return f"{path}: has {actual} Hz instead of {rate}"
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{samples} samples in {part}" for part, samples in lengths.items())
            return f"{folder}: {name}: sources of unequal length: {counts}; make the mixture again"
        return lengths[parts[-1]]

    return look


def read_texts(librispeech: Path) -> dict[str, str]:
    """Utterance -> words, of all transcripts of LibriSpeech.

    Raises:
        LibriMixError: none are there.
        ListError: one is not UTF-8.
    """
    texts = {}
    for path in sorted(librispeech.glob("*/*/*/*.trans.txt")):
        if LITTER.fullmatch(path.name):
            continue
        for _, line in read_lines(path):
            name, words = columns_of(line)
            texts[name] = words
    if not texts:
        raise LibriMixError(
            f"{librispeech}: no transcripts at SET/SPEAKER/CHAPTER/*.trans.txt; unpack LibriSpeech anew"
        )
    return texts


def write_set(out: Path, mixtures: TreeSet, kind: str, speakers: int, rate: int, texts: dict[str, str] | None) -> str:
    """Write a data directory; returns a line of the table.

    Args:
        kind: mix_both, mix_clean or mix_single.
        texts: words of LibriSpeech's utterances, where it is given.
    """
    audio = {"wav.scp": kind, **{f"spk{number}.scp": f"s{number}" for number in range(1, speakers + 1)}}
    if kind != "mix_clean":
        audio["noise1.scp"] = "noise"
    lists = {
        scp: {name: mixtures.folder / part / f"{name}.wav" for name in mixtures.samples} for scp, part in audio.items()
    }
    lists["utt2spk"] = {name: name for name in mixtures.samples}
    lists["spk2utt"] = spk2utt_of(lists["utt2spk"])
    lists["utt2dur"] = {name: f"{samples / rate:.6f}" for name, samples in mixtures.samples.items()}
    for number in range(1, speakers + 1):
        utterances = {name: name.split("_")[number - 1 : number] for name in mixtures.samples}
        if unfit := [name for name, parts in utterances.items() if not parts or not parts[0]]:
            raise LibriMixError(f"{mixtures.folder}: {unfit[0]}.wav is not named as UTTERANCE_UTTERANCE; {CURE}")
        lists[f"utt2spk{number}"] = {name: parts[0].split("-")[0] for name, parts in utterances.items()}
        if texts is not None:
            if lacking := sorted({parts[0] for parts in utterances.values()} - texts.keys()):
                raise LibriMixError(
                    f"{mixtures.folder}: LibriSpeech lacks the words of {len(lacking)} utterances, first {lacking[0]}; "
                    "unpack its sets, or leave out --librispeech-dir"
                )
            lists[f"text_spk{number}"] = {name: texts[parts[0]] for name, parts in utterances.items()}
    write_lists(out, lists)
    voices = {voice for n in range(1, speakers + 1) for voice in lists[f"utt2spk{n}"].values()}
    hours = sum(mixtures.samples.values()) / rate / 3600
    return f"{out.name:<10}{len(mixtures.samples):>6} mixtures {len(voices):>5} speakers {hours:>7.2f} h"


def write_metadata(folder: Path, kind: str, ids: list[str], speakers: int) -> None:
    """Write metadata/mixture_SET_TYPE.csv beside a set, as LibriMix's scripts do, for other programs."""
    columns = {
        f"source_{number}_path": f"s{number}" for number in range(1, (1 if kind == "mix_single" else speakers) + 1)
    }
    columns |= {} if kind == "mix_clean" else {"noise_path": "noise"}
    with atomic_open(folder.parent / "metadata" / f"mixture_{folder.name}_{kind}.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["mixture_ID", "mixture_path", *columns, "length"])
        for name in ids:
            mixture = folder / kind / f"{name}.wav"
            paths = [folder / part / f"{name}.wav" for part in columns.values()]
            writer.writerow([name, mixture, *paths, audio_info(str(mixture))[0]])
