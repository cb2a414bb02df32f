"""Stored features of a data directory, with CMVN and deltas put on when an utterance is read."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.config import ConfigError, settings_from
from nrsr.errors import NrsrError
from nrsr.kaldi.audio_states import refuse_stale_features
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.tables import open_table
from nrsr.signal import cmvn


class FeaturesError(NrsrError):
    """Stored features that are missing or do not fit together."""


@dataclass(frozen=True)
class FeatureSettings:
    """How stored features become the input of a network.

    Attributes:
        cmvn: "none", "mean", or "mean_variance": what is normalised with DATA/cmvn.scp (of speakers, utterances, or
            one matrix named `global`, whichever it has).
        deltas: order of the time derivatives that are appended.
        delta_window: frames on each side that a derivative looks at.
    """

    cmvn: str = "mean"
    deltas: int = 2
    delta_window: int = 2

    def __post_init__(self) -> None:
        if self.cmvn not in ("none", "mean", "mean_variance"):
            raise ConfigError(f"data.cmvn: {self.cmvn!r} is not known; take none, mean or mean_variance")
        if self.deltas < 0 or self.delta_window < 1:
            raise ConfigError("data: needs deltas >= 0 and delta_window >= 1")


class StoredFeatures:
    """DATA/feats.scp as networks take it; utterances are read when they are asked for.

    Attributes:
        dim: values per frame, deltas included.
    """

    def __init__(self, path: str | Path, settings: FeatureSettings, *, allow_pipes: bool = False):
        """Open the directory.

        Raises:
            FeaturesError: no feats.scp or cmvn.scp where they are needed.
            StaleError: the features are those of other audio.
        """
        self.path, self.settings = Path(path), settings
        for name, cure in (("feats.scp", "make-feats --config CONFIG"), ("cmvn.scp", "compute-cmvn")):
            if not (self.path / name).is_file() and (name == "feats.scp" or settings.cmvn != "none"):
                raise FeaturesError(f"{self.path / name}: no such file; run nrsr {cure} {self.path}")
        refuse_stale_features(DataDir(self.path))
        self._table = open_table(self.path / "feats.scp", allow_pipes=allow_pipes)
        self._normaliser = _Normaliser(self.path, settings.cmvn, allow_pipes) if settings.cmvn != "none" else None
        if not len(self._table):
            raise FeaturesError(f"{self.path / 'feats.scp'}: lists no features; run nrsr make-feats {self.path}")
        self.stored_dim = self._raw(next(iter(self._table))).shape[1]
        self.dim = self.stored_dim * (settings.deltas + 1)

    def __contains__(self, utterance: str) -> bool:
        return utterance in self._table

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self):
        return iter(self._table)

    def frames(self, utterances: list[str]) -> dict[str, int]:
        """Frames of each utterance, from DATA/utt2num_frames, or by reading the features where it is missing.

        Raises:
            FeaturesError: a number of frames that is not one.
        """
        counts = DataDir(self.path).read("utt2num_frames") if (self.path / "utt2num_frames").is_file() else {}
        frames = {}
        for name in utterances:
            text = counts.get(name)
            if text is not None and not text.isdecimal():
                raise FeaturesError(f"{self.path / 'utt2num_frames'}: {name}: {text!r} is no number of frames")
            frames[name] = len(self._raw(name)) if text is None else int(text)
        return frames

    def reason_against(self, utterance: str) -> str | None:
        """Why this utterance cannot be read, or None: known from the lists, without reading it."""
        if utterance not in self._table:
            return "no features"
        if self._normaliser is not None and not self._normaliser.has(utterance):
            return "no CMVN statistics"
        return None

    def normalised(self, utterance: str) -> np.ndarray:
        """float32 [N, stored_dim], with CMVN and without deltas.

        Raises:
            FeaturesError: no matrix of the right width, or statistics that do not fit.
        """
        features = self._raw(utterance)
        if features.shape[1] != self.stored_dim:
            raise FeaturesError(
                f"{self.path / 'feats.scp'}: {utterance}: {features.shape[1]} values a frame, the first utterance has "
                f"{self.stored_dim}; make all features with one config"
            )
        if self._normaliser is not None:
            mean, scale = self._normaliser.of(utterance, self.stored_dim)
            features = (features - mean) * scale
        return np.asarray(features, dtype=np.float32)

    def __getitem__(self, utterance: str) -> np.ndarray:
        """float32 [N, dim], with CMVN and deltas."""
        features = self.normalised(utterance)
        return self.with_deltas(features, np.array([len(features)]))

    def with_deltas(self, features: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Append deltas to concatenated utterances.

        Args:
            features: float32 [sum of frames, stored_dim].
            frames: [U] frames of each utterance, whose edge frames are repeated outside of it, as in Kaldi.
        """
        order, window = self.settings.deltas, self.settings.delta_window
        if order == 0:
            return features
        rows, centres = padded_rows(frames, order * window, order * window)
        derived, parts = features[rows], [features]
        for number in range(1, order + 1):
            derived = slope(derived, window)
            parts.append(derived[centres - number * window])
        return np.concatenate(parts, axis=1)

    def _raw(self, utterance: str) -> np.ndarray:
        features = self._table[utterance]
        if not isinstance(features, np.ndarray) or features.ndim != 2 or features.dtype.kind != "f":
            raise FeaturesError(f"{self.path / 'feats.scp'}: {utterance}: is no matrix of features")
        return features


def open_features(config: dict[str, Any], path: str | Path, *, allow_pipes: bool = False) -> StoredFeatures:
    """The features of a data directory as an experiment with this config is trained on them."""
    known = {field.name for field in fields(FeatureSettings)}
    options = {name: value for name, value in (config.get("data") or {}).items() if name in known}
    return StoredFeatures(path, settings_from(FeatureSettings, options, "data"), allow_pipes=allow_pipes)


class _Normaliser:
    """Mean and scale of each speaker, utterance or of all, from cmvn.scp; read once each."""

    def __init__(self, path: Path, kind: str, allow_pipes: bool):
        self._path, self._variance = path, kind == "mean_variance"
        self._table = open_table(path / "cmvn.scp", allow_pipes=allow_pipes)
        directory = DataDir(path)
        self._speakers = directory.read("utt2spk") if directory.has("utt2spk") else {}
        self._read: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def _key(self, utterance: str) -> str | None:
        for key in (utterance, self._speakers.get(utterance), "global"):
            if key is not None and key in self._table:
                return key
        return None

    def has(self, utterance: str) -> bool:
        return self._key(utterance) is not None

    def of(self, utterance: str, dim: int) -> tuple[np.ndarray, np.ndarray]:
        key = self._key(utterance)
        if key is None:
            raise FeaturesError(
                f"{self._path / 'cmvn.scp'}: nothing for utterance {utterance}, its speaker or `global`; "
                f"run nrsr compute-cmvn {self._path} again"
            )
        if key not in self._read:
            mean, variance = cmvn.mean_and_variance(self._table[key])
            if len(mean) != dim:
                raise FeaturesError(
                    f"{self._path / 'cmvn.scp'}: {key}: statistics of {len(mean)} values on features of {dim}; "
                    f"run nrsr compute-cmvn {self._path} again"
                )
            scale = 1.0 / np.sqrt(variance) if self._variance else np.ones(dim)
            self._read[key] = mean.astype(np.float32), scale.astype(np.float32)
        return self._read[key]


def slope(values: np.ndarray, window: int) -> np.ndarray:
    """Regression slope over ± window rows: [R, D] to [R - 2 * window, D].

    Applied again to its own result it gives the filters of nrsr.signal.deltas, and it is numpy, because torch's
    threads would take turns with the training while a block is read ahead.
    """
    size = len(values) - 2 * window
    total = np.zeros((size, values.shape[1]), dtype=values.dtype)
    for reach in range(1, window + 1):
        difference = values[window + reach : window + reach + size] - values[window - reach : window - reach + size]
        difference *= reach / (2.0 * sum(k * k for k in range(1, window + 1)))
        total += difference
    return total


def padded_rows(frames: np.ndarray, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of concatenated utterances with their edge frames repeated.

    Args:
        frames: [U] frames of each utterance.
        left, right: repetitions of its first frame before it, and of its last behind it.

    Returns:
        rows: the row of the original array for each row of the padded one, int64 [sum of (left + frames + right)].
        centres: the place of each original row in the padded array, int64 [sum of frames].
    """
    frames = np.asarray(frames, dtype=np.int64)
    starts = np.cumsum(frames) - frames
    sizes = frames + left + right
    utterance = np.repeat(np.arange(len(frames)), sizes)
    within = np.arange(sizes.sum()) - (np.cumsum(sizes) - sizes)[utterance] - left
    rows = starts[utterance] + np.clip(within, 0, frames[utterance] - 1)
    centres = np.arange(frames.sum()) + np.repeat(left + (left + right) * np.arange(len(frames)), frames)
    return rows, centres
