"""Frames stored by another system, such as a teacher's layers, that come along with the waveforms of a training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.audio_states import file_state
from nrsr.kaldi.tables import ScpTable, open_table, split_entry


class StoredFramesError(NrsrError):
    """Stored frames that are missing, or do not fit the waveforms."""


class StoredFrames:
    """The tables NAME.scp of a folder that `nrsr apply --outputs NAME,...` wrote, read when an utterance is asked for.

    Args:
        folder: relative to the working directory, or absolute.

    Attributes:
        names: of the tables that are read; none before `choose`.

    Raises:
        StoredFramesError: no such folder, or none of its files is a table.
    """

    def __init__(self, folder: str | Path, *, allow_pipes: bool = False):
        self.folder, self._allow_pipes = Path(folder), allow_pipes
        self._files = sorted(self.folder.glob("*.scp")) if self.folder.is_dir() else []
        if not self._files:
            raise StoredFramesError(
                f"data.frames: {self.folder}: holds no frames (NAME.scp); run nrsr apply --outputs NAME,... there"
            )
        self.names: list[str] = []
        self._counts = np.zeros(0, np.int32)
        self._tables: dict[str, ScpTable] = {}

    def dim(self) -> int:
        """Values in a frame, those of the first utterance of the first table."""
        table = open_table(self._files[0], allow_pipes=self._allow_pipes)
        return _checked(self._files[0], first := next(iter(table)), table[first]).shape[1]

    def choose(self, names: Sequence[str], counts: np.ndarray) -> None:
        """Open the tables of these names.

        Args:
            counts: frames that a waveform of 0, 1, 2, ... samples gives, int [longest + 1].

        Raises:
            StoredFramesError: a table that is not there.
        """
        missing = [name for name in names if self.folder / f"{name}.scp" not in self._files]
        if missing:
            there = ", ".join(file.stem for file in self._files)
            raise StoredFramesError(
                f"data.frames: {self.folder}: has no {', '.join(missing)}, but {there}; run nrsr apply --outputs "
                f"{','.join(names)} there"
            )
        self.names, self._counts = list(names), counts
        self._tables = {
            name: open_table(self.folder / f"{name}.scp", allow_pipes=self._allow_pipes) for name in self.names
        }

    def reason_against(self, utterance: str) -> str | None:
        """Why an utterance is left out, or None."""
        lacking = [name for name in self.names if utterance not in self._tables[name]]
        return f"no stored frames: {', '.join(lacking)}" if lacking else None

    def read(self, utterance: str, samples: int) -> dict[str, np.ndarray]:
        """name -> float32 [frames, D] of an utterance whose waveform has so many samples.

        Raises:
            StoredFramesError: no matrix of the frames that the waveform gives.
        """
        frames, matrices = int(self._counts[samples]), {}
        for name in self.names:
            file = self.folder / f"{name}.scp"
            values = _checked(file, utterance, self._tables[name][utterance])
            if len(values) != frames:
                raise StoredFramesError(
                    f"{file}: {utterance}: {len(values)} frames, and its waveform gives {frames}; apply the teacher to "
                    "these utterances again"
                )
            matrices[name] = values
        return matrices

    def states(self, utterances: Sequence[str]) -> dict[str, str]:
        """utterance -> size and time of the files with its frames, by which a resumed training finds other frames."""
        files: dict[str, str] = {}
        states: dict[str, str] = {}
        for utterance in utterances:
            names = [split_entry(table.entries[utterance])[0] for table in self._tables.values()]
            for name in names:
                if name not in files:
                    files[name] = file_state(name)
            states[utterance] = " ".join(files[name] for name in names)
        return states

    def fingerprint(self) -> str:
        """A description by which a resumed training finds other tables; `states` are those of what they list."""
        return "\n".join(f"{name} {(self.folder / name).with_suffix('.scp').stat().st_size}" for name in self.names)


def _checked(file: Path, utterance: str, values: object) -> np.ndarray:
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind != "f":
        raise StoredFramesError(f"{file}: {utterance}: is no matrix of frames")
    return values.astype(np.float32, copy=False)
