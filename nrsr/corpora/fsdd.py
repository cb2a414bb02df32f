"""Digit strings of the Free Spoken Digit Dataset, and nonspeech noise: real recordings, official split.

The corpus (github.com/Jakobovski/free-spoken-digit-dataset) holds recordings/{digit}_{speaker}_{take}.wav,
8 kHz: 6 speakers x 10 digits x 50 takes. Takes 0-4 are its test set, 5-49 its training set, of which 5-9 are
kept here for development. A string has 1 to 7 digits of one speaker, joined as they are with gaps of faint
noise; --isolated takes the recordings themselves. Speech does not depend on the fold; noise does (nonspeech.py).
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nrsr.arguments import seed_number
from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import SAMPLE_RATE, Prepared, Utterance, write_noises, write_speech
from nrsr.corpora.digits import DIGITS, faint_noise, string_lengths
from nrsr.corpora.draws import deal, generator, shares
from nrsr.corpora.files import names_in
from nrsr.corpora.generated_noises import SEEN, UNSEEN, generated_noises
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, read_audio
from nrsr.progress import track

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = {"train": range(10, 50), "dev": range(5, 10), "test": range(5)}
STRINGS = {
    "full": {"train": 1500, "dev": 300, "test": 1200},
    "tiny": {"train": 40, "dev": 12, "test": 24},
}
GAP = (0.02, 0.15)  # seconds between two digits
MARGIN = (0.05, 0.25)  # seconds before the first digit and after the last
# Kinds of noise in the sets. fold: development noise is of the kinds that are trained on; held_out: of others
# (nonspeech.py); generated: likewise, and training and seen noise are 17 generated types, no real noise.
NOISE_SETS = ("fold", "held_out", "generated")
INSTANCES = {"full": {"train": 6, "seen": 2}, "tiny": {"train": 1, "seen": 1}}  # of each generated type
CURE = "clone https://github.com/Jakobovski/free-spoken-digit-dataset anew and give that folder as --corpus-dir"

Recordings = dict[tuple[str, int, int], np.ndarray]  # (speaker, digit, take) -> float32 [T]


class FsddError(NrsrError):
    """Recordings of the corpus are missing or cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus and noise folders, the fold of the noise, and the size."""
    parser.add_argument("--corpus-dir", required=True, help="the cloned corpus, the folder that holds recordings/")
    parser.add_argument("--noise-dir", required=True, help="the folder that holds n1.wav ... n100.wav (nonspeech)")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument("--fold", type=int, choices=range(nonspeech.FOLDS), default=0, help="rotation of the noise")
    parser.add_argument("--size", choices=sorted(STRINGS), default="full", help="tiny is for trying things out")
    parser.add_argument(
        "--noise-sets",
        choices=NOISE_SETS,
        default="fold",
        help="held_out: development noise of kinds that are not trained on; generated: that, and 17 types of generated "
        "noise to train on and as seen noise    (%(default)s)",
    )
    parser.add_argument("--test-strings", type=count, metavar="N", help="fewer strings to test on    (full: 1200)")
    parser.add_argument("--isolated", action="store_true", help="single digits in place of strings")
    parser.add_argument("--seed", type=seed_number, default=0)


def count(text: str) -> int:
    """A number of strings: at least one of each speaker."""
    if not (text.isascii() and text.isdigit() and len(SPEAKERS) <= int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of strings; take at least {len(SPEAKERS)}")
    return int(text)


def prepare(
    corpus_dir: str | Path,
    noise_dir: str | Path,
    out: str | Path,
    fold: int = 0,
    size: str = "full",
    test_strings: int | None = None,
    isolated: bool = False,
    seed: int = 0,
    noise_sets: str = "fold",
) -> Prepared:
    """Write OUT/{train,dev,test}_clean and OUT/noise_{train,dev,seen,unseen}.

    Args:
        test_strings: fewer strings to test on, the first ones of each speaker.
        isolated: take every recording of a split by itself (at size tiny one of each speaker and digit).
        noise_sets: one of NOISE_SETS.

    Raises:
        FsddError, nonspeech.NonspeechError: files are missing or unreadable; counted, the first one named.
    """
    if problems := check(corpus_dir, noise_dir):
        raise FsddError(problems[0])
    folder, noise_dir, out = Path(corpus_dir) / "recordings", Path(noise_dir), Path(out)
    noises = nonspeech.read_noises(noise_dir, fold, seed, held_out_dev=noise_sets != "fold")
    recordings = read_recordings(folder)
    done = Prepared(table=[f"fsdd, {size}, seed {seed}, noise fold {fold}, {SAMPLE_RATE} Hz"])
    strings = STRINGS[size] | ({} if test_strings is None else {"test": test_strings})
    waves = {}
    for split, number in strings.items():
        takes = list(TAKES[split])[: 1 if size == "tiny" else None]
        utterances = single_digits(recordings, takes) if isolated else digit_strings(recordings, split, number, seed)
        speech = list(utterances)
        waves[split] = [utterance.wave for utterance in speech]
        lines = write_speech(out / f"{split}_clean", speech)
        done.table.append(f"{lines}  from {len(SPEAKERS) * 10 * len(TAKES[split])} recordings")
    if noise_sets == "generated":
        for name, babblers in (("train", "train"), ("seen", "dev")):  # babble of other recordings than what is tested
            options = (SEEN + UNSEEN, INSTANCES[size][name], waves[babblers], seed, SAMPLE_RATE)
            # Wind and traffic are real categories as well, which these are not.
            noises[name] = [
                replace(noise, category=f"generated_{noise.category}")
                for noise in generated_noises("fsdd", name, *options)
            ]
    for name in nonspeech.SETS:
        done.table.append(write_noises(out / f"noise_{name}", noises[name]))
    done.table += ["", *category_table({name: [noise.category for noise in noises[name]] for name in nonspeech.SETS})]
    done.notes = notes(folder, noise_dir)
    return done


def check(corpus_dir: str | Path, noise_dir: str | Path) -> list[str]:
    """What is wrong with the two folders, a line each; looks at names alone."""
    return check_recordings(Path(corpus_dir) / "recordings") + nonspeech.check(noise_dir)


def check_recordings(folder: Path) -> list[str]:
    """The recordings that the corpus lacks, in one line."""
    if not folder.is_dir():
        return [f"{folder}: no such folder; {CURE}"]
    present = set(names_in(folder))
    absent = [name for name in expected_names() if name not in present]
    if absent:
        total = len(expected_names())
        return [f"{folder}: {len(absent)} of {total} recordings are missing, first {absent[0]}; {CURE}"]
    return []


def expected_names() -> list[str]:
    """File names of the 3,000 recordings."""
    return [
        f"{digit}_{speaker}_{take}.wav"
        for speaker in SPEAKERS
        for digit in range(10)
        for takes in TAKES.values()
        for take in takes
    ]


def read_recordings(folder: Path) -> Recordings:
    """Read all recordings, which must be at 8 kHz.

    Raises:
        FsddError: some cannot be read or have another rate; counted, the first one named.
    """
    recordings, failures = {}, []
    for name in track(expected_names(), f"reading {folder}"):
        digit, speaker, take = re.fullmatch(r"(\d)_(\w+)_(\d+)\.wav", name).groups()
        try:
            wave, _ = read_audio(str(folder / name), rate=SAMPLE_RATE)
        except AudioError as error:
            failures.append(str(error))
            continue
        recordings[speaker, int(digit), int(take)] = wave
    if failures:
        raise FsddError(f"{len(failures)} recordings cannot be used, first: {failures[0]}; {CURE}")
    return recordings


def single_digits(recordings: Recordings, takes: Sequence[int]) -> Iterator[Utterance]:
    """These takes of each speaker and digit as they are."""
    for (speaker, digit, take), wave in recordings.items():
        if take in takes:
            yield Utterance(f"{speaker}-{DIGITS[digit]}-{take:02d}", speaker, DIGITS[digit], wave)


def digit_strings(recordings: Recordings, split: str, count: int, seed: int) -> Iterator[Utterance]:
    """`count` digit strings of one split, the speakers and each one's recordings used about equally often."""
    for speaker, share in zip(SPEAKERS, shares(count, len(SPEAKERS)), strict=True):
        rng = generator(seed, "fsdd", split, speaker)
        lengths = string_lengths(rng)
        dealt = deal([(digit, take) for digit in range(10) for take in TAKES[split]], rng)
        for number in range(1, share + 1):
            chosen = [next(dealt) for _ in range(next(lengths))]
            pieces = [faint_noise(MARGIN, SAMPLE_RATE, rng)]
            for digit, take in chosen:
                pieces += [recordings[speaker, digit, take], faint_noise(GAP, SAMPLE_RATE, rng)]
            pieces[-1] = faint_noise(MARGIN, SAMPLE_RATE, rng)
            words = " ".join(DIGITS[digit] for digit, _ in chosen)
            yield Utterance(f"{speaker}-{split}-{number:04d}", speaker, words, np.concatenate(pieces))


def category_table(sets: dict[str, list[str]]) -> list[str]:
    """Number of noise recordings of each category in each set."""
    lines = ["noise category   " + "".join(f"{name:>8}" for name in sets)]
    for category in dict.fromkeys([*nonspeech.CATEGORIES, *(kind for members in sets.values() for kind in members)]):
        counts = [members.count(category) for members in sets.values()]
        if any(counts):
            lines.append(f"{category:<17}" + "".join(f"{count or '-':>8}" for count in counts))
    return lines


def notes(folder: Path, noise_dir: Path) -> list[str]:
    """Remarks on files that are not used, and on resampling."""
    lines = [f"nonspeech sounds are resampled from their own rate to {SAMPLE_RATE} Hz", *nonspeech.notes(noise_dir)]
    known = set(expected_names())
    if extra := [name for name in names_in(folder) if name not in known]:
        lines.append(f"{folder}: {len(extra)} files that are not of the official set are left out: {' '.join(extra)}")
    return lines
