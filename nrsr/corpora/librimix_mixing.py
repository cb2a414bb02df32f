"""Making LibriMix's audio from LibriSpeech, WHAM and the official metadata, as LibriMix's own script does.

The rules, read off that script (create_librimix_from_metadata.py): LibriSpeech as it is; of the noise the first channel
from its start, as long as the longest source and, where it is shorter, repeated with a cross-fade of half a second;
each times its gain; scipy's polyphase resampling to the wanted rate; cut to the shortest ("min") or padded with zeros
to the longest ("max"); added in single precision; WAVs of 16 bits, where what is beyond full scale is clipped.
"""

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from nrsr.corpora.librimix_metadata import RATE, Recipe, original_noise
from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi.audio import AudioError, audio_info, read_audio
from nrsr.signal.speed import change_speed

TYPES = ("mix_both", "mix_clean", "mix_single")
HEADER_BYTES, SAMPLE_BYTES = 44, 2  # of the WAVs that are written


@dataclass(frozen=True)
class Job:
    """The folders of a set's mixtures and of their sources.

    Attributes:
        folder: of the set (ROOT/Libri2Mix/wav8k/min/train-360).
        types: which of TYPES are written.
    """

    librispeech: Path
    wham: Path
    folder: Path
    rate: int
    mode: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """The outcome for one mixture.

    Attributes:
        new: whether it was made now, rather than by an earlier run.
        clipped: types whose mixture goes beyond full scale.
        problem: why it could not be made, or None.
    """

    id: str
    new: bool
    clipped: tuple[str, ...] = ()
    problem: str | None = None


def make_mixer(job: Job) -> Callable[[Recipe], Made]:
    """A function that makes one mixture, for worker processes."""
    return functools.partial(make_mixture, job)


def make_mixture(job: Job, recipe: Recipe) -> Made:
    """Write the mixture, sources and noise of one line of the metadata, unless they are there already."""
    if is_complete(job, recipe):
        return Made(recipe.id, new=False)
    try:
        parts = transformed(recipe, job)
    except NrsrError as error:
        return Made(recipe.id, new=True, problem=str(error))
    *sources, noise = parts
    silent = [path for path, source in zip(recipe.sources, sources, strict=True) if not source.any()]
    if silent:
        return Made(recipe.id, new=True, problem=f"{job.librispeech / silent[0]}: is silent in mixture {recipe.id}")
    waves = {f"s{number}": source for number, source in enumerate(sources, 1)}
    if needs_noise(job.types):
        waves["noise"] = noise
    members = {"mix_both": parts, "mix_clean": sources, "mix_single": [sources[0], noise]}
    for kind in job.types:
        waves[kind] = added(members[kind])
    # The mixtures come last in this order.
    for folder, wave in waves.items():
        write_wave(job.folder / folder / f"{recipe.id}.wav", wave, job.rate)
    return Made(recipe.id, True, tuple(kind for kind in job.types if np.abs(waves[kind]).max() > 1.0))


def folders(speakers: int, types: tuple[str, ...]) -> list[str]:
    """The folders that a set has."""
    return [*(f"s{number}" for number in range(1, speakers + 1)), *(["noise"] if needs_noise(types) else []), *types]


def needs_noise(types: tuple[str, ...]) -> bool:
    """Whether mixtures of these types contain noise, so that WHAM must be there."""
    return types != ("mix_clean",)


def is_complete(job: Job, recipe: Recipe) -> bool:
    """Whether all files of a mixture are there, with equally many samples."""
    sizes = set()
    for folder in folders(len(recipe.sources), job.types):
        try:
            sizes.add((job.folder / folder / f"{recipe.id}.wav").stat().st_size)
        except FileNotFoundError:
            return False
    return len(sizes) == 1 and sizes.pop() > HEADER_BYTES


def transformed(recipe: Recipe, job: Job) -> list[np.ndarray]:
    """Sources and noise at their gains, of the wanted rate, equally long.

    Raises:
        AudioError: a recording that cannot be read, is empty or has another rate than 16 kHz.
    """
    from scipy.signal import resample_poly  # here, since `nrsr prepare` of any corpus would wait a second for it

    sources = [read_audio(str(job.librispeech / path), rate=RATE)[0] for path in recipe.sources]
    parts = [*sources, noise_of(recipe.noise, job.wham, max(map(len, sources)))]
    # A Python float leaves single precision as it is.
    parts = [resample_poly(part * gain, job.rate, RATE) for part, gain in zip(parts, recipe.gains, strict=True)]
    if job.mode == "min":
        samples = min(map(len, parts))
        return [part[:samples] for part in parts]
    samples = max(map(len, parts))
    return [np.pad(part, (0, samples - len(part))) for part in parts]


def noise_of(path: str, wham: Path, samples: int) -> np.ndarray:
    """The start of a noise, repeated where it is too short; [samples].

    A noise of other speed that is not there is made of its original.
    """
    original, speed = original_noise(path)
    if speed == 1.0 or (wham / path).is_file():
        # WHAM has two channels, its noises of other speed one.
        entry = str(wham / path)
        noise, _ = read_audio(entry, rate=RATE, channel=0, end=min(samples, audio_info(entry)[0]) / RATE)
    else:
        noise = change_speed(read_audio(str(wham / original), rate=RATE, channel=0)[0], RATE, speed)[:samples]
    if len(noise) < min(samples, RATE // 2 + 1):
        raise AudioError(f"{wham / path}: {len(noise)} samples are too few to be repeated; restore the recording")
    return extended(noise, samples)


def extended(noise: np.ndarray, samples: int) -> np.ndarray:
    """Repeat noise [M] to [samples], each end faded into the next beginning by the halves of a Hann window."""
    if len(noise) >= samples:
        return noise[:samples]
    rising = np.hanning(RATE + 1)[: RATE // 2 + 1]
    fade = len(rising)
    beginning, rest = noise[:fade] * rising, noise[fade:]
    while len(noise) < samples:
        noise = np.concatenate([noise[:-fade], noise[-fade:] * rising[::-1] + beginning, rest])
    return noise[:samples]


def added(parts: list[np.ndarray]) -> np.ndarray:
    """Sum in single precision, one after the other."""
    total = np.zeros(len(parts[0]), dtype=np.float32)
    for part in parts:
        total += part
    return total


def write_wave(path: Path, wave: np.ndarray, rate: int) -> None:
    """Write 16 bits as soundfile does."""
    content = io.BytesIO()  # libsndfile would hide why a disk takes no more
    soundfile.write(content, wave, rate, subtype="PCM_16", format="WAV")
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
