"""Guoning Hu's 100 nonspeech sounds: which file is which category, and how they divide over folds and sets.

Files are n1.wav ... n100.wav, 20 kHz. Over the four folds each category is held out of training once
("unseen"); of the other categories the files are divided between training, development and seen-category
test, and the division rotates with the fold.
"""

import argparse
import re
from pathlib import Path

from nrsr.arguments import seed_number
from nrsr.corpora.datadirs import SAMPLE_RATE, Noise, Prepared, write_noises
from nrsr.corpora.draws import generator
from nrsr.corpora.files import names_in
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, read_audio

FOLDS = 4
SETS = ("train", "dev", "seen", "unseen")
CURE = (
    "download 'Nonspeech Sounds' of Guoning Hu (The Ohio State University) and name the folder with n1.wav ... n100.wav"
)

# Category -> numbers of its files. The author's list names 88 as click and again as the first laugh; it is
# taken as the click, which has no other file.
CATEGORIES = {
    "crowd": range(1, 18),
    "machine": range(18, 30),
    "alarm": range(30, 44),
    "traffic": range(44, 47),
    "animal": range(47, 56),
    "water": range(56, 70),
    "wind": range(70, 79),
    "bell": range(79, 83),
    "cough": range(83, 86),
    "clap": range(86, 87),
    "snore": range(87, 88),
    "click": range(88, 89),
    "laugh": range(89, 91),
    "yawn": range(91, 93),
    "cry": range(93, 94),
    "shower": range(94, 95),
    "tooth_brushing": range(95, 96),
    "footsteps": range(96, 98),
    "door": range(98, 99),
    "phone_dialling": range(99, 101),
}

# The categories that each fold holds out: 25 of the 100 files in each, and sounds alike (water and shower,
# alarms and dialling) held out together, so that unseen is unseen.
UNSEEN = (
    ("crowd", "bell", "cough", "clap"),
    ("machine", "wind", "traffic", "click"),
    ("alarm", "phone_dialling", "footsteps", "yawn", "laugh", "snore", "cry", "door"),
    ("water", "animal", "shower", "tooth_brushing"),
)


class NonspeechError(NrsrError):
    """The folder of nonspeech sounds lacks what a split needs, or has files that cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of corpora whose speech goes with these sounds or without."""
    parser.add_argument("--noise-dir", help="the folder that holds n1.wav ... n100.wav (nonspeech), for noise as well")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the division of the noise (%(default)s)")


def problems(noise_dir: str | Path | None) -> list[str]:
    """What is wrong with the folder, or nothing where none is given; to be known before any speech is read."""
    return [] if noise_dir is None else check(noise_dir)


def write_sets(noise_dir: str | Path, out: Path, fold: int, seed: int, rate: int, done: Prepared) -> None:
    """Write OUT/noise_{train,dev,seen,unseen}; `done` gets their lines and the remarks on the folder.

    Raises:
        NonspeechError: see read_noises.
    """
    for name, noises in read_noises(Path(noise_dir), fold, seed, rate).items():
        done.table.append(write_noises(out / f"noise_{name}", noises, rate))
    done.notes += notes(Path(noise_dir))


def notes(noise_dir: Path) -> list[str]:
    """Remarks on sounds that are not there, and on files that are none of the hundred."""
    lines = []
    if absent := missing(noise_dir):
        lines.append(f"{noise_dir}: {len(absent)} of 100 sounds are not there and are done without: {' '.join(absent)}")
    if strange := strange_files(noise_dir):
        lines.append(f"{noise_dir}: {len(strange)} files that are none of the 100 are left out: {' '.join(strange)}")
    return lines


def find_files(noise_dir: Path) -> dict[int, Path]:
    """The sounds that are there, by number (1 to 100); other files are ignored."""
    paths = {number: noise_dir / f"n{number}.wav" for number in range(1, 101)}
    return {number: path for number, path in paths.items() if path.is_file()}


def strange_files(noise_dir: Path) -> list[str]:
    """Names of wav files that are none of the hundred."""
    known = {path.name for path in find_files(noise_dir).values()}
    return [name for name in names_in(noise_dir) if name.endswith(".wav") and name not in known]


def missing(noise_dir: Path) -> list[str]:
    """Names of the files of the hundred that are not there."""
    present = find_files(noise_dir)
    return [f"n{number}.wav" for number in range(1, 101) if number not in present]


def split_files(numbers: list[int], fold: int, seed: int = 0, *, held_out_dev: bool = False) -> dict[str, list[int]]:
    """Divide file numbers into the sets train, dev, seen and unseen of one fold.

    Of a category that is not held out, about 55 % of the files train, 15 % serve development and 30 % the
    seen-category test. A single file goes to training, so every category of the seen test is also trained on.

    Args:
        held_out_dev: development gets the categories that the next fold holds out, all of their files, and no others.
    """
    sets: dict[str, list[int]] = {name: [] for name in SETS}
    for category, members in CATEGORIES.items():
        files = [number for number in members if number in set(numbers)]
        home = next(index for index, group in enumerate(UNSEEN) if category in group)
        if home == fold:
            sets["unseen"] += files
            continue
        if held_out_dev and home == (fold + 1) % FOLDS:
            sets["dev"] += files
            continue
        turn = (fold - home - 1) % FOLDS  # the how-manieth fold that trains on this category: 0, 1 or 2
        seen = 0 if len(files) < 2 else max(1, int(0.3 * len(files) + 0.5))
        dev = 0 if held_out_dev else int(0.15 * len(files) + 0.5)
        start = turn * seen % max(1, len(files))
        order = [files[index] for index in generator(seed, "nonspeech", category).permutation(len(files))]
        order = order[start:] + order[:start]
        sets["seen"] += order[:seen]
        sets["dev"] += order[seen : seen + dev]
        sets["train"] += order[seen + dev :]
    return {name: sorted(members) for name, members in sets.items()}


def category_of(number: int) -> str:
    """The category of file `number`."""
    return next(category for category, members in CATEGORIES.items() if number in members)


def read_noises(
    noise_dir: Path, fold: int, seed: int = 0, rate: int = SAMPLE_RATE, *, held_out_dev: bool = False
) -> dict[str, list[Noise]]:
    """The noise recordings of each set of a fold (`split_files`), resampled from 20 kHz to `rate` (8 kHz).

    Raises:
        NonspeechError: no sounds, a set left empty, or files that cannot be read (counted, the first named).
    """
    if problems := check(noise_dir):
        raise NonspeechError(problems[0])
    sets = split_files(list(find_files(noise_dir)), fold, seed, held_out_dev=held_out_dev)
    if empty := [name for name in SETS if not sets[name]]:
        raise NonspeechError(f"{noise_dir}: too few of the 100 sounds to fill the set '{empty[0]}'; {CURE}")
    noises: dict[str, list[Noise]] = {name: [] for name in SETS}
    failures = []
    for name, numbers in sets.items():
        for number in numbers:
            path = noise_dir / f"n{number}.wav"
            try:
                wave, _ = read_audio(str(path), rate=rate, resample=True)
            except AudioError as error:
                failures.append(str(error))
                continue
            category = category_of(number)
            noises[name].append(Noise(f"{category}-n{number:03d}", category, wave))
    if failures:
        raise NonspeechError(f"{len(failures)} sounds cannot be read, first: {failures[0]}; remove or replace them")
    return noises


def check(noise_dir: str | Path) -> list[str]:
    """What is wrong with the folder; nothing is read. Missing sounds are accepted as long as each set has some."""
    noise_dir = Path(noise_dir)
    if not noise_dir.is_dir():
        return [f"{noise_dir}: no such folder; {CURE}"]
    if not find_files(noise_dir):
        similar = [name for name in names_in(noise_dir) if re.fullmatch(r"[nN]\d+\.\w+", name)]
        hint = f" (it has {min(similar)})" if similar else ""
        return [f"{noise_dir}: no sound n1.wav ... n100.wav{hint}; {CURE}"]
    return []
