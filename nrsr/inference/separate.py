"""Writing what a trained separation system makes of a data directory, or of audio files."""

import functools
import io
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch

import nrsr
from nrsr.files import atomic_copy, atomic_open
from nrsr.inference.enhance import PEAK
from nrsr.inference.files import read_file
from nrsr.inference.recogniser import DecodingError
from nrsr.inference.separator import Pieces, Separator
from nrsr.kaldi import DataDir, WaveWriter
from nrsr.kaldi.contents import remove_other_lists
from nrsr.progress import track
from nrsr.systems import Separation
from nrsr.workers import run_work

# Lists of a data directory that hold for what is separated as well.
LISTS = ("utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2noisefile", "utt2snr")


class Separated(NamedTuple):
    """The speakers float32 [K, T] of one mixture, whether they had to be scaled down, and what it took."""

    waves: np.ndarray
    scaled: bool
    seconds: float


class SeparationJob(NamedTuple):
    """What separates: an experiment's folder, how long recordings are cut, and "cpu" or "cuda"."""

    exp: Path
    pieces: Pieces = Pieces()
    device: str = "cpu"


class UtteranceSeparator:
    """Reads and separates single utterances; made once in each worker."""

    def __init__(self, job: SeparationJob, waves: Mapping[str, np.ndarray]):
        self._waves = waves
        self._separator = Separator(load_separation(job.exp), job.pieces, job.device)

    def __call__(self, utterance: str) -> Separated:
        return separated(self._separator, self._waves[utterance])


def load_separation(exp: Path) -> Separation:
    """The system of an experiment, which must be a separation system.

    Raises:
        NrsrError: it is another one, or none.
    """
    system = nrsr.load(exp).system
    if not isinstance(system, Separation):
        kind = type(system).__name__
        raise DecodingError(f"{exp}: {kind} separates no speakers; give an experiment of a Separation system")
    return system


def separated(separator: Separator, wave: np.ndarray) -> Separated:
    """The speakers of one mixture, scaled down together where 16 bits would clip one."""
    started = time.perf_counter()
    waves = separator(torch.from_numpy(wave)).numpy()
    peak = float(np.abs(waves).max())
    if peak > 1.0:
        waves = waves * np.float32(PEAK / peak)
    return Separated(waves, peak > 1.0, time.perf_counter() - started)


def separate_data(job: SeparationJob, data: DataDir, out: Path, *, nj: int = 1, allow_pipes: bool = False) -> str:
    """Separate every utterance of a data directory.

    Writes out/spk1.ark and spk1.scp, spk2.ark and spk2.scp, ... (16 bits), in the order in which the network gives
    the speakers, and copies the lists that still hold. Utterances that 16 bits would clip are scaled down and listed.

    Returns:
        a line with the number of utterances and the real-time factor.

    Raises:
        NrsrError: whatever is wrong with experiment or data; AudioError names the utterance.
    """
    system = load_separation(job.exp)
    rate = system.sample_rate
    waves = data.all_waves(rate=rate, allow_pipes=allow_pipes)
    if out.resolve() == data.path.resolve():
        raise DecodingError(f"--out {out}: is the data directory itself; name another one")
    utterances, scaled, taken, samples = list(waves), [], 0.0, 0
    with ExitStack() as stack:
        names = [f"spk{number}" for number in range(1, system.speakers + 1)]
        writers = [stack.enter_context(WaveWriter(out / f"{name}.ark", out / f"{name}.scp", rate)) for name in names]
        results = run_work(functools.partial(UtteranceSeparator, job, waves), utterances, nj)
        results = track(results, f"utterances of {data.path} separated", len(utterances))
        for utterance, result in zip(utterances, results, strict=True):
            for writer, wave in zip(writers, result.waves, strict=True):
                writer[utterance] = wave
            scaled += [utterance] * result.scaled
            taken, samples = taken + result.seconds, samples + result.waves.shape[1]
    for name in LISTS:
        if data.has(name):
            atomic_copy(data.path / name, out / name)
    remove_other_lists(out, {*(f"{name}.scp" for name in names), *filter(data.has, LISTS)})
    if scaled:
        print(f"{out}: {len(scaled)} utterances were scaled down to fit 16 bits: {' '.join(scaled)}", file=sys.stderr)
    return f"{out}: {len(utterances)} utterances, {rtf_text(taken, samples / rate, job.device)}"


def separate_files(job: SeparationJob, files: Sequence[str], out: Path, channel: int | None = None) -> str:
    """Separate audio files into out/NAME_spk1.wav, out/NAME_spk2.wav, ... (16 bits, at the system's rate).

    Returns:
        a line with the number of files and the real-time factor.

    Raises:
        NrsrError: whatever is wrong with experiment or files, or two files of one name.
    """
    system = load_separation(job.exp)
    rate = system.sample_rate
    stems = [Path(name).stem for name in files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise DecodingError(f"{', '.join(twice)}: several files of one name; separate them into folders of their own")
    separator = Separator(system, job.pieces, job.device)
    taken, samples = 0.0, 0
    for name, stem in zip(track(files, "files separated"), stems, strict=True):
        result = separated(separator, read_file(name, rate, channel))
        for number, wave in enumerate(result.waves, start=1):
            content = io.BytesIO()  # libsndfile would hide why a disk takes no more
            soundfile.write(content, wave, rate, format="WAV", subtype="PCM_16")
            with atomic_open(out / f"{stem}_spk{number}.wav", "wb") as stream:
                stream.write(content.getbuffer())
        if result.scaled:
            print(f"{name}: its speakers were scaled down to fit 16 bits", file=sys.stderr)
        taken, samples = taken + result.seconds, samples + result.waves.shape[1]
    return f"{out}: {len(files)} files, {rtf_text(taken, samples / rate, job.device)}"


def rtf_text(taken: float, seconds: float, device: str) -> str:
    """What the separation itself took, summed over workers, by the duration of the audio."""
    return f"real-time factor {taken / seconds:.4f} on one {'thread' if device == 'cpu' else 'GPU'}"
