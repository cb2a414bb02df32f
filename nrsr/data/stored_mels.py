"""Stored mel features of a vocoder, read with checks: all of one definition, and no number that is not finite."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nrsr.datadirs.feature_definition import NAME, Definition, differences, read_definition
from nrsr.errors import NrsrError
from nrsr.kaldi.audio_states import FEATURES_OF, refuse_stale_features
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.tables import open_table


class MelError(NrsrError):
    """Mel features that are missing, broken, or not those that a vocoder takes."""


class StoredMels(Mapping[str, np.ndarray]):
    """utterance -> float32 [N, bands], read when it is asked for; can be sent to worker processes.

    Args:
        scp: the list of the features. The folder that it is in may have their definition (feats.yaml), their numbers of
            frames (utt2num_frames), and the audio that they were computed from.
        bands: columns that they must have, where that is known.

    Attributes:
        definition: what feats.yaml says, None where there is no such file.

    Raises:
        MelError: no such list, or an empty one. On access: no matrix, another width, NaN or infinite numbers.
        StaleError: the features are those of other audio.
    """

    def __init__(self, scp: str | Path, bands: int | None = None, *, allow_pipes: bool = False):
        self.path = Path(scp)
        folder, cure = self.path.parent, f"run nrsr make-feats --config CONFIG {self.path.parent}"
        if not self.path.is_file():
            raise MelError(f"{self.path}: no such file; {cure}")
        if (folder / FEATURES_OF).is_file():
            refuse_stale_features(DataDir(folder))
        self.definition = read_definition(folder)
        self._table = open_table(self.path, allow_pipes=allow_pipes)
        if not len(self._table):
            raise MelError(f"{self.path}: lists no features; {cure}")
        self.bands = bands

    def __getitem__(self, utterance: str) -> np.ndarray:
        mels = self._table[utterance]
        if not isinstance(mels, np.ndarray) or mels.ndim != 2 or mels.dtype.kind != "f":
            raise MelError(f"{self.path}: {utterance}: is no matrix of features")
        if self.bands not in (None, mels.shape[1]):
            raise MelError(
                f"{self.path}: {utterance}: {mels.shape[1]} bands a frame, not {self.bands}; make all features with "
                "one config"
            )
        if not np.isfinite(mels).all():
            frame, band = np.argwhere(~np.isfinite(mels))[0]
            raise MelError(
                f"{self.path}: {utterance}: frame {frame} has {mels[frame, band]} in band {band}; a logarithm without "
                "a floor, or broken audio: make the features again"
            )
        return mels.astype(np.float32, copy=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, utterance: object) -> bool:
        return utterance in self._table  # Mapping's own way would read the features to find out

    def frames(self, utterances: Sequence[str]) -> dict[str, int]:
        """Frames of each utterance, from utt2num_frames, or by reading the features where that does not have it.

        Raises:
            MelError: a number of frames that is not one.
        """
        known = self.written_frames()
        return {name: known[name] if name in known else len(self[name]) for name in utterances}

    def written_frames(self) -> dict[str, int]:
        """Frames of the utterances that utt2num_frames has; none without it.

        Raises:
            MelError: a number of frames that is not one.
        """
        file = self.path.parent / "utt2num_frames"
        counts = read_list(file) if file.is_file() else {}
        if odd := [name for name, text in counts.items() if not text.isdecimal()]:
            raise MelError(f"{file}: {odd[0]}: {counts[odd[0]]!r} is no number of frames; run nrsr make-feats again")
        return {name: int(text) for name, text in counts.items()}

    def check_definition(self, wanted: Definition, *, needed: bool) -> None:
        """Refuse features of another definition than is wanted.

        Args:
            needed: whether features without a definition are refused as well.

        Raises:
            MelError: names each number that differs.
        """
        file = self.path.parent / NAME
        cure = f"run nrsr make-feats on {self.path.parent} with the vocoder's config"
        if self.definition is None:
            if needed:
                raise MelError(f"{file}: no such file, so that nobody knows what {self.path.name} holds; {cure}")
        elif different := differences(self.definition, wanted):
            raise MelError(f"{file}: {different}, as the vocoder takes it; {cure}")
