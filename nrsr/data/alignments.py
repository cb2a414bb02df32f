"""The senones of frames, from ali.scp: which utterances have both features and an alignment, and how long they are."""

import hashlib

import numpy as np

from nrsr.data.features import StoredFeatures
from nrsr.errors import NrsrError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import c_sorted
from nrsr.kaldi.tables import open_table


class FramesError(NrsrError):
    """Features and alignments that do not give frames with senones."""


class Alignments:
    """Alignments of a data directory, checked once when it is opened, and read again on access.

    Attributes:
        ids: utterances with features and an alignment of the same length, in C order.
        skipped: the others, with the reason.
        counts: frames of each of `ids`, int64 [N].
        senone_counts: frames of each senone in them, int64 [S].
        digest: of ids and alignments.
    """

    def __init__(self, directory: DataDir, features: StoredFeatures, senones: int | None, *, allow_pipes: bool = False):
        """Read them all.

        Args:
            senones: number of the model's senones; None takes the highest one that is seen.

        Raises:
            FramesError: no ali.scp, no senone numbers in it, or numbers beyond `senones`.
        """
        self._path, self._features = directory.path / "ali.scp", features
        if not self._path.is_file():
            raise FramesError(f"{self._path}: no such file; nrsr align writes it, copy it here")
        self._table = open_table(self._path, allow_pipes=allow_pipes)
        self.ids: list[str] = []
        self.skipped: dict[str, str] = {}
        counts, digest, seen = [], hashlib.sha256(), np.zeros(senones or 1, dtype=np.int64)
        usable = [name for name in directory.utterances if features.reason_against(name) is None]
        frames = features.frames([name for name in usable if name in self._table])
        for name in directory.utterances:
            alignment = self[name] if name in frames else None
            reason = self._unfit(name, alignment, frames.get(name))
            if reason is not None:
                self.skipped[name] = reason
                continue
            histogram = np.bincount(alignment, minlength=len(seen))
            if senones is not None and len(histogram) > senones:
                raise FramesError(
                    f"{self._path}: {name}: has senone {len(histogram) - 1}, but data.senones is {senones}; "
                    "align with the model of that many senones"
                )
            seen = histogram + np.pad(seen, (0, len(histogram) - len(seen)))
            self.ids.append(name)
            counts.append(len(alignment))
            digest.update(name.encode() + b"\n" + alignment.tobytes())
        alone = self._table.keys() - set(directory.utterances)
        self.skipped.update(dict.fromkeys(c_sorted(alone), "in ali.scp alone"))
        self.counts, self.senone_counts = np.array(counts, dtype=np.int64), seen
        self.digest = digest.hexdigest()

    def __getitem__(self, utterance: str) -> np.ndarray:
        """int32 [N].

        Raises:
            FramesError: something else than senone numbers.
        """
        alignment = self._table[utterance]
        if not isinstance(alignment, np.ndarray) or alignment.dtype != np.int32 or (alignment < 0).any():
            raise FramesError(f"{self._path}: {utterance}: is no vector of senone numbers; nrsr align writes them")
        return alignment

    def _unfit(self, name: str, alignment: np.ndarray | None, frames: int | None) -> str | None:
        """Why an utterance is left out, or None."""
        if reason := self._features.reason_against(name):
            return reason
        if alignment is None:
            return "no alignment"
        if len(alignment) != frames:
            return f"features and alignment of different lengths: {frames} frames, {len(alignment)} aligned"
        return "no frames" if frames == 0 else None
