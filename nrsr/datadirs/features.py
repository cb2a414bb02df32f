"""Computing the features of a data directory into ark and scp, with several processes."""

import functools
import hashlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from nrsr.config import build
from nrsr.datadirs.feature_definition import write_definition
from nrsr.errors import NrsrError
from nrsr.kaldi.audio_states import FEATURES_OF, audio_states, write_states
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import TableWriter
from nrsr.listing import listed
from nrsr.progress import track
from nrsr.signal.extractor import FeatureExtractor
from nrsr.signal.padded import chunks, padded_batches
from nrsr.workers import run_work

NAMED = 20  # utterances that an error lists
Fill = Callable[[FeatureExtractor], list[str]]


class FeatureDataError(NrsrError):
    """Utterances of which no features can be computed."""


class Worker:
    """Computes the features of chunks of utterances; each process has its own.

    Args:
        spec: `{class: ..., ...}` of the extractor.
        waves: utterance -> waveform, of `DataDir.waves`.
        fill: gives the extractor its weights.
    """

    def __init__(
        self, spec: dict[str, Any], rate: int, waves: Mapping[str, np.ndarray], fill: Fill | None = None
    ) -> None:
        self.extractor = build(spec, FeatureExtractor, "features", sample_rate=rate).eval()
        if fill is not None:
            fill(self.extractor)
        self.rate, self.waves = rate, waves

    @torch.inference_mode()
    def __call__(self, utterances: list[str]) -> list[tuple[str, np.ndarray]]:
        """Utterance and features [N, D] as float32, in the order given."""
        matrices = {}
        # Dither gets the same seed whichever process does the chunk.
        torch.manual_seed(int.from_bytes(hashlib.sha256(utterances[0].encode()).digest()[:8], "big") >> 1)
        for names, waves, lengths in padded_batches(self.waves, utterances, self.rate):
            features, frames = self.extractor(waves, lengths)
            for name, rows, count in zip(names, features.numpy(), frames.tolist(), strict=True):
                matrices[name] = rows[:count].copy()
        return [(name, matrices[name]) for name in utterances]


def make_features(
    directory: DataDir,
    spec: dict[str, Any],
    rate: int,
    *,
    nj: int = 1,
    compress: bool = False,
    allow_pipes: bool = False,
    fill: Fill | None = None,
) -> int:
    """Write feats.ark, feats.scp and utt2num_frames of a data directory; returns the number of utterances.

    utt2audio lists size and time of their audio files, so that features are not used after these have changed.
    feats.yaml has the definition of the features, where they have one. Statistics of earlier features (cmvn.scp,
    cmvn.ark) are removed.

    Args:
        spec: `{class: ..., ...}` of a feature extractor.
        rate: that all audio must have.
        nj: processes; the features do not depend on it.
        compress: lossy 8-bit matrices.
        fill: gives an extractor that has weights these, in each process; what it returns is printed once.

    Raises:
        FeatureDataError: utterances too short for a frame, or with features that are not finite. Nothing is written
            then.
        DataDirError: no utterances, or some without audio.
        ConfigError, FeatureError: a spec that does not fit.
    """
    # A mistake in the config shows here, not in a worker.
    extractor = build(spec, FeatureExtractor, "features", sample_rate=rate)
    for note in fill(extractor) if fill is not None else ():
        print(note, file=sys.stderr)
    waves = directory.all_waves(rate=rate, allow_pipes=allow_pipes)
    folder, todo = directory.path, chunks(directory.utterances)
    frames, short, odd, states = {}, [], [], audio_states(directory)
    with TableWriter(f"ark,scp:{folder / 'feats.ark'},{folder / 'feats.scp'}", compress=compress) as writer:
        results = run_work(functools.partial(Worker, spec, rate, waves, fill), todo, nj)
        for chunk in track(results, f"chunks of {folder} made features", len(todo)):
            for name, features in chunk:
                frames[name] = len(features)
                if not len(features):
                    short.append(name)
                elif not np.isfinite(features).all():
                    odd.append(name)
                else:
                    writer[name] = features
        if short:
            names = listed(short, NAMED)
            raise FeatureDataError(f"{folder}: too short for one frame: {names}; remove them from utt2spk")
        if odd:
            raise FeatureDataError(f"{folder}: features are not finite: {listed(odd, NAMED)}; look at their audio")
        # Before feats.scp is renamed: a process killed in between leaves no statistics of other features.
        for name in ("cmvn.scp", "cmvn.ark"):
            (folder / name).unlink(missing_ok=True)
    write_states(folder / FEATURES_OF, states)
    write_list(folder / "utt2num_frames", frames)
    write_definition(folder, extractor.definition())
    return len(frames)
