"""How outputs of systems are written: lists, tables, audio in arks and in files, which appear when all is written."""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi import TableWriter, WaveWriter, write_list

PEAK = 0.999  # of waveforms that 16 bits would clip
SCALED = "were scaled down to fit 16 bits"


class OutputError(NrsrError):
    """A system lacks the output that is asked for, or does not take the input that it is applied to."""


class OutputWriter(AbstractContextManager, ABC):
    """Writes one kind of output; the files appear when the block ends well."""

    @abstractmethod
    def write(self, utterance: str, value: Any) -> str | None:
        """Write an utterance's value; returns a remark for the user, such as 'were scaled down', or None."""


def fitted(waves: np.ndarray) -> tuple[np.ndarray, bool]:
    """Waveforms as 16 bits can hold them: scaled down together where one is beyond ±1; and whether they were."""
    peak = float(np.abs(waves).max(initial=0.0))
    return (waves * np.float32(PEAK / peak), True) if peak > 1.0 else (waves, False)


def save_waves(waves: np.ndarray, files: Sequence[Path], rate: int) -> bool:
    """Write waveforms [T] or [channels, T] as WAV files of 16 bits; returns whether they were scaled down to fit."""
    waves, scaled = fitted(waves)
    for file, wave in zip(files, np.atleast_2d(waves), strict=True):
        content = io.BytesIO()  # libsndfile would hide why a disk takes no more
        soundfile.write(content, wave, rate, format="WAV", subtype="PCM_16")
        with atomic_open(file, "wb") as stream:
            stream.write(content.getbuffer())
    return scaled


class ListWriter(OutputWriter):
    """Writes a line for each utterance into a list."""

    def __init__(self, path: Path):
        self._path, self._lines = path, {}

    def write(self, utterance: str, value: str) -> None:
        self._lines[utterance] = value

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            write_list(self._path, self._lines)


class TablesWriter(OutputWriter):
    """Writes vectors or matrices into FOLDER/NAME.ark and NAME.scp."""

    def __init__(self, folder: Path, name: str):
        self._table = TableWriter(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp")

    def __enter__(self) -> "TablesWriter":
        self._table.__enter__()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._table.__exit__(kind, error, traceback)

    def write(self, utterance: str, value: np.ndarray) -> None:
        self._table[utterance] = value


class FilesWriter(OutputWriter):
    """Writes FOLDER/NAME/UTTERANCE.wav, and FOLDER/NAME.scp with their names.

    Args:
        save: writes a waveform into a folder under a name, and returns whether it was scaled down.
    """

    def __init__(self, save: Callable[[np.ndarray, Path, str], bool], folder: Path, name: str):
        self._save, self._folder, self._name, self._files = save, folder, name, {}

    def write(self, utterance: str, value: np.ndarray) -> str | None:
        if "/" in utterance:
            raise OutputError(f"{utterance}: names no file; leave the option for files out, and take an ark")
        folder = self._folder / self._name
        folder.mkdir(exist_ok=True)
        self._files[utterance] = folder / f"{utterance}.wav"
        return SCALED if self._save(value, folder, utterance) else None

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            write_list(self._folder / f"{self._name}.scp", self._files)


class WavesWriter(OutputWriter):
    """Writes the channels of waveforms into arks of 16 bits, each with its scp."""

    def __init__(self, files: Sequence[tuple[Path, Path]], rate: int):
        self._files, self._rate, self._stack = files, rate, ExitStack()

    def __enter__(self) -> "WavesWriter":
        with ExitStack() as stack:
            self._writers = [stack.enter_context(WaveWriter(ark, scp, self._rate)) for ark, scp in self._files]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._stack.__exit__(kind, error, traceback)

    def write(self, utterance: str, value: np.ndarray) -> str | None:
        waves, scaled = fitted(value)
        for writer, wave in zip(self._writers, np.atleast_2d(waves), strict=True):
            writer[utterance] = wave
        return SCALED if scaled else None
