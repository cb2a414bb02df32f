"""Speech from espeak-ng: the same samples each time, whatever the machine's locale or its own espeak."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from nrsr.corpora import espeak_worker
from nrsr.errors import NrsrError


class EspeakError(NrsrError):
    """espeak-ng is not installed, or a voice cannot speak."""


@dataclass(frozen=True)
class Voice:
    """A speaker: espeak-ng's name for accent and variant, words per minute, and pitch (0 to 99, 50 is the voice's)."""

    name: str
    rate: int
    pitch: int


def speak(voice: Voice, texts: Sequence[str], sample_rate: int, seed: int) -> list[np.ndarray]:
    """Speak texts by one voice in a fresh process; float32 [T] in [-1, 1) each, resampled by soxr.

    The result depends on the texts before it as well (espeak-ng keeps state), and on nothing else.

    Raises:
        EspeakError: espeak-ng is missing, does not know the voice, or gives no samples.
    """
    request = {"voice": voice.name, "rate": voice.rate, "pitch": voice.pitch, "seed": seed, "texts": list(texts)}
    environment = {name: value for name, value in os.environ.items() if name != "ESPEAK_DATA_PATH"} | {"LC_ALL": "C"}
    worker = subprocess.run(
        [sys.executable, str(Path(espeak_worker.__file__))],
        input=json.dumps(request).encode(),
        capture_output=True,
        env=environment,
        check=False,
    )
    if worker.returncode != 0:
        lines = worker.stderr.decode(errors="replace").strip().splitlines() or [f"status {worker.returncode}"]
        raise EspeakError(f"espeak-ng failed: {lines[-1]}; reinstall it: pip install --force-reinstall espeakng-loader")
    waves = _unpack(worker.stdout)
    silent = [text for text, wave in zip(texts, waves, strict=True) if not wave.any()]
    if silent:
        raise EspeakError(f"voice {voice.name}: espeak-ng gives silence for '{silent[0]}'; choose another voice")
    return [soxr.resample(wave / np.float32(32768), espeak_worker.SAMPLE_RATE, sample_rate) for wave in waves]


def speak_all(requests: Iterable[tuple[Voice, Sequence[str], int]], sample_rate: int) -> list[list[np.ndarray]]:
    """`speak` for many voices, (voice, texts, seed) each, a few processes at a time; answers in order."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(speak, voice, texts, sample_rate, seed) for voice, texts, seed in requests]
        return [job.result() for job in jobs]


def check() -> list[str]:
    """Whether espeak-ng is there, as a list of what is wrong."""
    if importlib.util.find_spec("espeakng_loader") is None:
        return ["espeak-ng is missing, which speaks the mini corpus; install it: pip install espeakng-loader"]
    return []


def _unpack(stream: bytes) -> list[np.ndarray]:
    """Split the worker's answer into float32 arrays of 16-bit values."""
    waves, position = [], 0
    while position < len(stream):
        samples = int.from_bytes(stream[position : position + 4], "little")
        waves.append(np.frombuffer(stream, "<i2", samples, position + 4).astype(np.float32))
        position += 4 + 2 * samples
    return waves
