"""Inputs of vocoders: stored mel features, of a data directory or of any scp of Kaldi matrices."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.config import build
from nrsr.data.inputs import Inputs
from nrsr.data.stored_mels import MelError, StoredMels
from nrsr.kaldi import DataDir
from nrsr.listing import shown
from nrsr.signal.vocoder_mels import VocoderMel


class MelInputs(Inputs):
    """Mel features, float32 [N, bands], of the definition that the config's `system.features` says."""

    def __init__(self, mels: StoredMels, names: list[str], features: VocoderMel):
        self.rate = features.sample_rate / features.hop
        self._mels, self._names = mels, names

    @classmethod
    def open(cls, data: DataDir, config: Mapping[str, Any], *, allow_pipes: bool = False) -> "MelInputs":
        features = features_of(config)
        mels = StoredMels(data.path / "feats.scp", features.dim, allow_pipes=allow_pipes)
        mels.check_definition(features.definition(), needed=True)
        if lacking := [name for name in data.utterances if name not in mels]:
            raise MelError(
                f"{mels.path}: lacks {len(lacking)} utterances: {shown(lacking)}; run nrsr make-feats on {data.path}"
            )
        return cls(mels, data.utterances, features)

    @classmethod
    def of_scp(cls, scp: str | Path, config: Mapping[str, Any], *, allow_pipes: bool = False) -> "MelInputs":
        """Those that a list names, wherever it is; a definition is checked where it is beside the list.

        Raises:
            MelError: no such list, or features of another definition.
        """
        features = features_of(config)
        mels = StoredMels(scp, features.dim, allow_pipes=allow_pipes)
        mels.check_definition(features.definition(), needed=False)
        return cls(mels, list(mels), features)

    def __getitem__(self, utterance: str) -> np.ndarray:
        return self._mels[utterance]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def durations(self) -> dict[str, float]:
        """Seconds by utt2num_frames; 0 where that is missing, since a vocoder batches parts of utterances anyway."""
        known = self._mels.written_frames()
        return {name: known.get(name, 0) / self.rate for name in self._names}


def features_of(config: Mapping[str, Any]) -> VocoderMel:
    """The features that a vocoder's config describes.

    Raises:
        ConfigError: none, or others than mels of a vocoder.
    """
    return build(config["system"].get("features"), VocoderMel, "system.features", sample_rate=config["sample_rate"])
