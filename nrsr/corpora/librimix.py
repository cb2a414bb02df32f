"""LibriMix: mixtures of two or three LibriSpeech speakers, with WHAM's noise or without.

From mixtures that LibriMix's own scripts generated, ROOT/Libri2Mix/wav8k/min/{train-360,...}/{mix_both,s1,s2,noise}:

    nrsr prepare librimix --corpus-dir ROOT --out data/libri2mix

Or from LibriSpeech, WHAM and LibriMix's metadata, which makes those very files below ROOT first. A stopped run
is resumed, and a finished one is not repeated. WHAM's training noises at 0.8 and 1.2 of their speed
need not be there; they are made on the way, and WHAM stays as it is:

    nrsr prepare librimix --librispeech-dir LibriSpeech --wham-dir wham_noise --metadata-dir LibriMix/metadata/Libri2Mix
        --corpus-dir ROOT --nj 8 --out data/libri2mix
"""

import argparse
import functools
from dataclasses import replace
from pathlib import Path

from nrsr.corpora import librimix_tree as tree
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.librimix_metadata import (
    LibriMixError,
    Recipe,
    metadata_files,
    missing_recordings,
    original_noise,
    read_metadata,
)
from nrsr.corpora.librimix_mixing import TYPES, Job, folders, make_mixer
from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.progress import track
from nrsr.workers import run_work

MODES = ("min", "max")
# Mixtures of each set by the number of speakers.
OFFICIAL = {
    2: {"train-360": 50800, "train-100": 13900, "dev": 3000, "test": 3000},
    3: {"train-360": 33900, "train-100": 9300, "dev": 3000, "test": 3000},
}
PROBLEMS = "problems.txt"
NAMED = 5  # mixtures named in a note
PARTS = ("librispeech_dir", "wham_dir", "metadata_dir")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The kind of mixtures and sets, and the sources from which missing mixtures are generated."""
    parser.add_argument("--corpus-dir", required=True, metavar="ROOT", help="holds Libri2Mix/ or Libri3Mix/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument("--speakers", type=int, choices=(2, 3), default=2, help="in each mixture (%(default)s)")
    parser.add_argument("--type", choices=TYPES, default="mix_both", help="speakers and noise, or not (%(default)s)")
    parser.add_argument("--rate", type=int, choices=(8000, 16000), default=8000, help="Hz (%(default)s)")
    parser.add_argument("--mode", choices=MODES, default="min", help="cut to the shortest or not (%(default)s)")
    parser.add_argument("--sets", type=names, default=(), help="as train-360,dev,test    (all that are there)")
    parser.add_argument("--librispeech-dir", help="LibriSpeech: to make mixtures, and for transcripts in mode max")
    parser.add_argument("--wham-dir", help="WHAM's noises, the folder with cv/, tr/ and tt/: to make mixtures")
    parser.add_argument("--metadata-dir", help="metadata/Libri2Mix or metadata/Libri3Mix of LibriMix: to make mixtures")
    parser.add_argument("--nj", type=int, default=2, help="processes (%(default)s)")


def names(text: str) -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(filter(None, text.split(",")))


def prepare(
    corpus_dir: str | Path,
    out: str | Path,
    speakers: int = 2,
    type: str = "mix_both",
    rate: int = 8000,
    mode: str = "min",
    sets: tuple[str, ...] = (),
    librispeech_dir: str | Path | None = None,
    wham_dir: str | Path | None = None,
    metadata_dir: str | Path | None = None,
    nj: int = 2,
) -> Prepared:
    """Make mixtures where metadata are given, then write OUT/SET for each set.

    Each directory has wav.scp (absolute paths), spk1.scp, spk2.scp[, spk3.scp], noise1.scp (unless mix_clean), utt2spk
    (each mixture its own), spk2utt, utt2dur, utt2spk1, ... (the speaker of each source), and text_spk1, ... where
    LibriSpeech is given and the mode is "max" ("min" cuts words off). mix_single has the first speaker alone.

    Raises:
        LibriMixError: files missing, or recordings that do not fit; counted, the first one named, all of them listed in
            OUT/problems.txt.
    """
    out, folder = Path(out), Path(corpus_dir).absolute() / f"Libri{speakers}Mix" / f"wav{rate // 1000}k" / mode
    done = Prepared(table=[f"Libri{speakers}Mix, {type}, {rate} Hz, {mode}"])
    (out / PROBLEMS).unlink(missing_ok=True)
    if wham_dir is not None or metadata_dir is not None:
        if None in (librispeech_dir, wham_dir, metadata_dir):
            raise LibriMixError("making mixtures needs all of --librispeech-dir, --wham-dir and --metadata-dir")
        job = Job(Path(librispeech_dir), Path(wham_dir), folder, rate, mode, (type,))
        make_sets(job, Path(metadata_dir), speakers, sets, nj, out / PROBLEMS, done)
    sets = sets or tree.sets_in(folder, OFFICIAL[speakers])
    sources = 1 if type == "mix_single" else speakers
    texts = tree.read_texts(Path(librispeech_dir)) if librispeech_dir and mode == "max" else None
    for name in sets:
        mixtures = tree.read_set(folder / name, folders(sources, (type,)), rate, nj)
        refuse(mixtures.problems, f"{folder / name}", out / PROBLEMS)
        done.table.append(tree.write_set(out / name, mixtures, type, sources, rate, texts))
        official = OFFICIAL[speakers].get(name)
        if official not in (None, len(mixtures.samples)):
            done.notes.append(f"{name}: {len(mixtures.samples)} mixtures; the official set has {official}")
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folders of a generated LibriMix, at 8 kHz and "min", a line each; looks at names alone."""
    present = [speakers for speakers in OFFICIAL if (Path(corpus_dir) / f"Libri{speakers}Mix").is_dir()]
    if not present:
        return [f"{corpus_dir}: neither Libri2Mix nor Libri3Mix is there; {tree.CURE}"]
    problems = []
    for speakers in present:
        folder = Path(corpus_dir) / f"Libri{speakers}Mix" / "wav8k" / "min"
        try:
            parts = [folder / name / part for name in tree.sets_in(folder, OFFICIAL[speakers])
                     for part in folders(speakers, ("mix_both",))]  # fmt: skip
        except LibriMixError as error:
            problems.append(str(error))
        else:
            problems += [f"{part}: no such folder; {tree.CURE}" for part in parts if not part.is_dir()]
    return problems


def make_sets(
    job: Job, metadata: Path, speakers: int, sets: tuple[str, ...], nj: int, listing: Path, done: Prepared
) -> None:
    """Make the mixtures of some sets, all that have metadata if none are named."""
    files = metadata_files(metadata, speakers)
    if unknown := [name for name in sets if name not in files]:
        raise LibriMixError(f"{metadata}: no metadata of {', '.join(unknown)}; it has {', '.join(files)}")
    recipes = {name: read_metadata(files[name], speakers) for name in sets or files}
    missing = [
        line for mixtures in recipes.values() for line in missing_recordings(mixtures, job.librispeech, job.wham)
    ]
    refuse(missing, "recordings that the metadata name are missing", listing)
    for name, mixtures in recipes.items():
        with making(job.folder / name, "nrsr prepare librimix"):
            make_set(replace(job, folder=job.folder / name), mixtures, nj, listing, done)


def make_set(job: Job, recipes: list[Recipe], nj: int, listing: Path, done: Prepared) -> None:
    """Make the mixtures of one set that are missing, and LibriMix's own list of them."""
    speakers, name = len(recipes[0].sources), job.folder.name
    for folder in folders(speakers, job.types):
        (job.folder / folder).mkdir(parents=True, exist_ok=True)
    results = run_work(functools.partial(make_mixer, job), recipes, nj)
    mixtures = list(track(results, f"mixing {name}", total=len(recipes)))
    problems = [mixture.problem for mixture in mixtures if mixture.problem]
    refuse(problems, f"mixtures of {name} could not be made", listing)
    new = sum(mixture.new for mixture in mixtures)
    done.table.append(f"{name}: {new} mixtures made, {len(mixtures) - new} already there")
    remade = sum(
        original_noise(recipe.noise)[1] != 1.0 and not (job.wham / recipe.noise).is_file() for recipe in recipes
    )
    if remade:
        done.notes.append(
            f"{name}: the noises of {remade} mixtures, at 0.8 or 1.2 of their speed, are made here by soxr; those that "
            "LibriMix's script makes by sox are alike, but not to the last bit"
        )
    clipped = [mixture.id for mixture in mixtures if mixture.clipped]
    if clipped:
        some = ", ".join(clipped[:NAMED]) + (", ..." if len(clipped) > NAMED else "")
        done.notes.append(f"{name}: {len(clipped)} mixtures are clipped at full scale, as in the original: {some}")
    for kind in job.types:
        tree.write_metadata(job.folder, kind, [recipe.id for recipe in recipes], speakers)


def refuse(problems: list[str], what: str, listing: Path) -> None:
    """Raise the first of some problems, and list all of them in a file."""
    if problems:
        with atomic_open(listing) as stream:
            stream.writelines(f"{problem}\n" for problem in problems)
        raise LibriMixError(f"{what}: {len(problems)} problems, all in {listing}; the first: {problems[0]}")
