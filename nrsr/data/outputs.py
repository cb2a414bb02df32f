"""The kinds of outputs of systems, how pieces of a long input are joined, and which writer each kind has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.data.output_writers import FilesWriter, ListWriter, OutputWriter, TablesWriter, WavesWriter, save_waves
from nrsr.data.pieces import PiecesError

# Lists of a data directory that are valid for an output waveform as well.
LISTS = ("text", "utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2noisefile", "utt2snr", "spk1.scp")


class Output(ABC):
    """A kind of output; a system names its own in `System.outputs`.

    Attributes:
        step: an input may be cut at multiples of so many rows; None where it must stay whole.
        on_request: whether it is written only where it is asked for by name.
        lists: lists of the data directory that are valid for the output, and are copied beside it.
    """

    step: int | None = None
    on_request: bool = False
    lists: Sequence[str] = ()

    def join(self, parts: Sequence[Any], starts: Sequence[int], source: np.ndarray) -> Any:
        """The value of a whole input from those of its pieces; of one piece too.

        Args:
            parts: value of each piece.
            starts: row of the input at which each piece begins.
            source: the input.
        """
        [whole] = parts
        return whole

    def files(self, name: str) -> list[str]:
        """The lists that `writer` writes."""
        return [f"{name}.scp"]

    @abstractmethod
    def writer(self, folder: Path, name: str) -> OutputWriter:
        """A writer of this output, which the system calls `name`, into a folder."""


class TextOutput(Output):
    """A line of text for each utterance, such as words or a label: FOLDER/NAME, a list as Kaldi's `text`."""

    def files(self, name: str) -> list[str]:
        return [name]

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return ListWriter(folder / name)


class VectorOutput(Output):
    """A float vector for each utterance, such as posteriors or an embedding: FOLDER/NAME.ark and NAME.scp."""

    def __init__(self, *, on_request: bool = False):
        self.on_request = on_request

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return TablesWriter(folder, name)


class FrameOutput(Output):
    """Vectors [M, D] over time: FOLDER/NAME.ark and NAME.scp.

    Args:
        step: rows of the input from one vector to the next.
    """

    def __init__(self, step: int, *, on_request: bool = False):
        self.step, self.on_request = step, on_request

    def join(self, parts: Sequence[np.ndarray], starts: Sequence[int], source: np.ndarray) -> np.ndarray:
        """Join the pieces at the frames of `cut`, by default in the middle of each overlap."""
        bounds = self.bounds(parts, starts)
        return np.concatenate([part[first:last] for part, (first, last) in zip(parts, bounds, strict=True)])

    def bounds(self, parts: Sequence[np.ndarray], starts: Sequence[int]) -> list[tuple[int, int]]:
        """First vector and last + 1 of each piece that belong to the whole."""
        firsts, lasts = [0], []
        for before, after, start, following in zip(parts[:-1], parts[1:], starts[:-1], starts[1:], strict=True):
            ahead = (following - start) // self.step
            shared = len(before) - ahead
            if shared < 1:
                raise PiecesError("--overlap: is so short that pieces share no output frame; take a longer one")
            place = self.cut(before[ahead:], after[:shared])
            if (skip := firsts[-1] - ahead) > place:  # the last piece begins soon after its neighbour has been cut
                place = skip + self.cut(before[firsts[-1] :], after[skip:shared])
            lasts.append(ahead + place)
            firsts.append(place)
        return list(zip(firsts, [*lasts, len(parts[-1])], strict=True))

    def cut(self, before: np.ndarray, after: np.ndarray) -> int:
        """Which vector [shared, D] of an overlap is the first one taken from the piece behind."""
        return len(before) // 2

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return TablesWriter(folder, name)


class CtcOutput(FrameOutput):
    """Log-probabilities [M, V] of a CTC system's units, the blank being unit 0."""

    def cut(self, before: np.ndarray, after: np.ndarray) -> int:
        """The frame in the middle half of the overlap where the blank is most probable: no unit is cut or doubled.

        Of equal ones, within 0.01 nats, the one nearest to the middle.
        """
        low, high = len(before) // 4, max(len(before) // 4 + 1, len(before) - len(before) // 4)
        blank = np.minimum(before[low:high, 0], after[low:high, 0])
        sure = np.flatnonzero(blank >= blank.max() - 0.01) + low
        return int(sure[np.abs(sure - len(before) // 2).argmin()])


class SenoneOutput(FrameOutput):
    """Log-likelihoods [N, pdfs] of the pdfs of an HMM, natural logarithms without any acoustic scale."""

    def __init__(self, pdfs: int):
        super().__init__(1)
        self.pdfs = pdfs


class WaveOutput(Output):
    """Waveforms [T], or [channels, T], in ±1: FOLDER/NAME.ark and NAME.scp, or NAME1.ark, NAME1.scp, ... (16 bits).

    Args:
        rate: samples a second.
        channels: such as the speakers; None where there is one waveform without a number.
        samples: for each row of the input; 1 where waveforms become waveforms.
        window: rows of the windows that the system works on, where it works on such from the first row on: pieces begin
            at their multiples, and what is nearer than a window to a piece's ends is not taken from it. None where it
            works on the whole piece.
        whole: the input must stay whole, since the system itself needs no more memory than for a part of it.
    """

    def __init__(
        self,
        rate: int,
        channels: int | None = None,
        *,
        samples: int = 1,
        window: int | None = None,
        whole: bool = False,
        on_request: bool = False,
        lists: Sequence[str] = LISTS,
    ):
        self.rate, self.channels, self.samples = rate, channels, samples
        self.step = None if whole else window or 1
        self._margin = 0 if window is None else window * samples
        self.on_request, self.lists = on_request, lists

    def join(self, parts: Sequence[np.ndarray], starts: Sequence[int], source: np.ndarray) -> np.ndarray:
        """Join the pieces with a cross-fade in each overlap."""
        return faded(parts, [start * self.samples for start in starts], len(source) * self.samples, self._margin)

    def names(self, name: str) -> list[str]:
        """Those of the waveforms: `name`, or with the number of the channel behind it."""
        return [name] if self.channels is None else [f"{name}{number}" for number in range(1, self.channels + 1)]

    def files(self, name: str) -> list[str]:
        return [f"{file}.scp" for file in self.names(name)]

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return WavesWriter([(folder / f"{file}.ark", folder / f"{file}.scp") for file in self.names(name)], self.rate)

    def save(self, value: np.ndarray, folder: Path, name: str) -> bool:
        """Write one value as FOLDER/NAME.wav, or NAME1.wav, ...; returns whether it was scaled down to fit 16 bits."""
        return save_waves(value, [folder / f"{file}.wav" for file in self.names(name)], self.rate)


class WaveFiles(WaveOutput):
    """Waveforms [T] in ±1 as files: FOLDER/NAME/UTTERANCE.wav and FOLDER/NAME.scp (16 bits)."""

    def __init__(self, rate: int, lists: Sequence[str] = LISTS):
        super().__init__(rate, lists=lists)

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return FilesWriter(self.save, folder, name)


def faded(parts: Sequence[np.ndarray], starts: Sequence[int], samples: int, margin: int = 0) -> np.ndarray:
    """Pieces [..., size] that begin at `starts` as one waveform [..., samples], float32.

    Args:
        margin: samples at the ends of a piece that are left to its neighbours.

    Raises:
        PiecesError: an overlap of less than two margins.
    """
    if len(parts) == 1:
        return parts[0]
    whole, end = np.zeros((*parts[0].shape[:-1], samples), np.float32), 0
    for part, start in zip(parts, starts, strict=True):
        left = margin if start else 0
        shared = end - margin - start - left if start else 0
        if shared < 0:
            raise PiecesError(f"--overlap: pieces must share {2 * margin} samples or more; take a longer one")
        first, last = start + left, start + left + shared
        fade = ((np.arange(shared) + 0.5) / max(shared, 1)).astype(np.float32)
        whole[..., first:last] += fade * (part[..., left : left + shared] - whole[..., first:last])
        end = start + part.shape[-1]
        whole[..., last:end] = part[..., left + shared :]
    return whole
