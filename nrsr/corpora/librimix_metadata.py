"""LibriMix's official metadata: which recordings of LibriSpeech and WHAM make which mixture, at which gains."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from nrsr.corpora.files import names_in
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import problem_of_id, read_lines

RATE = 16000  # of LibriSpeech and WHAM, in Hz
SPEEDS = {"sp08": 0.8, "sp12": 1.2}  # how WHAM's training noises are multiplied; by the end of their names
CURE = "clone https://github.com/JorisCos/LibriMix anew and give its metadata/Libri2Mix or metadata/Libri3Mix"


class LibriMixError(NrsrError):
    """LibriMix or its sources are incomplete or broken; names the first file and the cure."""


@dataclass(frozen=True)
class Recipe:
    """How one mixture is made: a line of the metadata.

    Attributes:
        sources, noise: paths below LibriSpeech and below WHAM.
        gains: of the sources, and last of the noise.
    """

    id: str
    sources: tuple[str, ...]
    noise: str
    gains: tuple[float, ...]


def metadata_files(folder: Path, speakers: int) -> dict[str, Path]:
    """Set (train-360) -> its metadata file.

    Raises:
        LibriMixError: no such folder or no metadata in it.
    """
    if not folder.is_dir():
        raise LibriMixError(f"{folder}: no such folder; {CURE}")
    prefix = f"libri{speakers}mix_"
    names = [name for name in names_in(folder) if name.startswith(prefix) and name.endswith(".csv")]
    files = [folder / name for name in names if not name.endswith("_info.csv")]
    if not files:
        raise LibriMixError(f"{folder}: holds no {prefix}*.csv; {CURE}")
    return {file.stem.removeprefix(prefix).replace("-clean", ""): file for file in files}


def read_metadata(path: Path, speakers: int) -> list[Recipe]:
    """All mixtures of a metadata file.

    Raises:
        LibriMixError: columns missing, a line that is not whole, an id twice or unfit for a file name.
    """
    numbers = range(1, speakers + 1)
    columns = [f"source_{number}_{what}" for number in numbers for what in ("path", "gain")]
    recipes: dict[str, Recipe] = {}
    lines = csv.DictReader(line for _, line in read_lines(path))
    lacking = [name for name in ("mixture_ID", *columns, "noise_path", "noise_gain") if name not in _header(lines)]
    if lacking:
        raise LibriMixError(f"{path}: has no column {', '.join(lacking)}; {CURE}")
    for line in lines:
        recipe = _recipe(f"{path}:{lines.line_num}", line, numbers)
        if recipe.id in recipes:
            raise LibriMixError(f"{path}:{lines.line_num}: mixture {recipe.id!r} appears twice; {CURE}")
        recipes[recipe.id] = recipe
    if not recipes:
        raise LibriMixError(f"{path}: lists no mixtures; {CURE}")
    return list(recipes.values())


def _header(lines: csv.DictReader) -> list[str]:
    return list(lines.fieldnames or [])


def _recipe(where: str, line: dict[str, str | None], numbers: range) -> Recipe:
    if None in line or None in line.values():
        raise LibriMixError(f"{where}: has not as many columns as the header; {CURE}")
    name = line["mixture_ID"]
    if problem_of_id(name) or "/" in name or name.startswith("."):
        raise LibriMixError(f"{where}: {name!r} is no id that can name a file; {CURE}")
    try:
        gains = tuple(float(line[column]) for column in [*(f"source_{n}_gain" for n in numbers), "noise_gain"])
    except ValueError as error:
        raise LibriMixError(f"{where}: a gain is no number ({error}); {CURE}") from None
    if not all(0.0 < gain < math.inf for gain in gains):
        raise LibriMixError(f"{where}: gains {gains} are not all above 0; {CURE}")
    return Recipe(name, tuple(line[f"source_{number}_path"] for number in numbers), line["noise_path"], gains)


def original_noise(path: str) -> tuple[str, float]:
    """The recording that a noise of other speed was made of, and the speed; the same path and 1.0 for others.

    `tr/x_0.97_y_-0.97sp08.wav` was made of `tr/x_0.97_y_-0.97.wav` at 0.8 of its speed.
    """
    stem, dot, suffix = path.rpartition(".")
    speed = SPEEDS.get(stem[-4:], 1.0)
    return (path, 1.0) if speed == 1.0 else (f"{stem[:-4]}{dot}{suffix}", speed)


def missing_recordings(recipes: list[Recipe], librispeech: Path, wham: Path) -> list[str]:
    """Recordings that the mixtures need and that are not there; one line each, with the first mixture that needs it."""
    needed: dict[Path, str] = {}
    for recipe in recipes:
        for source in recipe.sources:
            needed.setdefault(librispeech / source, recipe.id)
        needed.setdefault(wham / recipe.noise, recipe.id)
    absent = {path: name for path, name in needed.items() if not path.is_file()}
    # A noise of other speed is made here where its original is there.
    remade = {path for path in absent if path.is_relative_to(wham) and Path(original_noise(str(path))[0]).is_file()}
    return [f"{path}: no such file, but mixture {name} needs it" for path, name in absent.items() if path not in remade]
