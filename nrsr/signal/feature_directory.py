"""Computing the features of a data directory into ark and scp, with several processes."""

import hashlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import torch

from nrsr.config import build
from nrsr.errors import NrsrError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import TableWriter
from nrsr.progress import track
from nrsr.signal.extractor import FeatureExtractor
from nrsr.signal.padded import chunks, padded_batches

AHEAD = 4  # chunks per process that may be finished but not yet written
NAMED = 20  # utterances that an error lists


class FeatureDataError(NrsrError):
    """Utterances that give no features, or a worker that died."""


class Worker:
    """Computes the features of chunks of utterances; each process has its own.

    Args:
        spec: `{class: ..., ...}` of the extractor.
        waves: utterance -> waveform, of `DataDir.waves`.
    """

    def __init__(self, spec: dict[str, Any], rate: int, waves: Mapping[str, np.ndarray]) -> None:
        self.extractor = build(spec, FeatureExtractor, "features", sample_rate=rate).eval()
        self.rate, self.waves = rate, waves

    @torch.inference_mode()
    def __call__(self, utterances: list[str]) -> list[tuple[str, np.ndarray]]:
        """Utterance and features [N, D] as float32, in the order given."""
        found = {}
        # Dither hears the same seed whichever process does the chunk.
        torch.manual_seed(int.from_bytes(hashlib.sha256(utterances[0].encode()).digest()[:8], "big") >> 1)
        for names, waves, lengths in padded_batches(self.waves, utterances, self.rate):
            features, frames = self.extractor(waves, lengths)
            for name, rows, count in zip(names, features.numpy(), frames.tolist(), strict=True):
                found[name] = rows[:count].copy()
        return [(name, found[name]) for name in utterances]


_worker: Worker  # of this process, set once by start_worker


def start_worker(*arguments: Any) -> None:
    """Prepare a worker process."""
    global _worker
    torch.set_num_threads(1)
    _worker = Worker(*arguments)


def work(utterances: list[str]) -> list[tuple[str, np.ndarray]]:
    """What a worker process does with a chunk."""
    return _worker(utterances)


def in_order(submit: Callable[[Any], Any], items: Iterable[Any], ahead: int) -> Iterator[Any]:
    """Results of futures in the order of the items, with no more than `ahead` of them waiting."""
    waiting: deque = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def results(todo: list[list[str]], nj: int, arguments: tuple) -> Iterator[list[tuple[str, np.ndarray]]]:
    """Features of each chunk, in order, computed on one thread in each of `nj` processes."""
    if nj == 1 or len(todo) == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield from map(Worker(*arguments), todo)
        finally:
            torch.set_num_threads(threads)
        return
    context = multiprocessing.get_context("spawn")  # a fork copies torch's threads in an unusable state
    with ProcessPoolExecutor(min(nj, len(todo)), context, start_worker, arguments) as pool:
        try:
            yield from in_order(lambda chunk: pool.submit(work, chunk), todo, AHEAD * nj)
        except BrokenProcessPool as error:
            raise FeatureDataError("a worker process died, perhaps for want of memory; try a smaller --nj") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def named(utterances: list[str]) -> str:
    """A list for a message."""
    return ", ".join(utterances[:NAMED]) + (f" and {len(utterances) - NAMED} more" if len(utterances) > NAMED else "")


def make_features(
    directory: DataDir,
    spec: dict[str, Any],
    rate: int,
    *,
    nj: int = 1,
    compress: bool = False,
    allow_pipes: bool = False,
) -> int:
    """Write feats.ark, feats.scp and utt2num_frames of a data directory; returns the number of utterances.

    Args:
        spec: `{class: ..., ...}` of a feature extractor.
        rate: that all audio must have.
        nj: processes; the features do not depend on it.
        compress: lossy 8-bit matrices.

    Raises:
        FeatureDataError: utterances without audio, too short for a frame, or with features that are not finite.
            Nothing is written then.
        ConfigError, FeatureError: a spec that does not fit.
    """
    build(spec, FeatureExtractor, "features", sample_rate=rate)  # a mistake in the config shows here, not in a worker
    waves = directory.waves(rate=rate, allow_pipes=allow_pipes)
    folder, todo = directory.path, chunks(directory.utterances)
    silent = [name for name in directory.utterances if name not in waves]
    if silent:
        raise FeatureDataError(f"{folder}/wav.scp: no audio for {named(silent)}; run nrsr fix-data {folder}")
    if not todo or nj < 1:
        raise FeatureDataError(f"{folder}: {len(directory.utterances)} utterances, {nj} processes; need at least 1")
    frames, short, odd = {}, [], []
    with TableWriter(f"ark,scp:{folder / 'feats.ark'},{folder / 'feats.scp'}", compress=compress) as writer:
        for chunk in track(results(todo, nj, (spec, rate, waves)), f"features of {folder}, {len(todo)} chunks"):
            for name, features in chunk:
                frames[name] = len(features)
                if not len(features):
                    short.append(name)
                elif not np.isfinite(features).all():
                    odd.append(name)
                else:
                    writer[name] = features
        if short:
            raise FeatureDataError(f"{folder}: too short for one frame: {named(short)}; remove them from utt2spk")
        if odd:
            raise FeatureDataError(f"{folder}: features are not finite: {named(odd)}; look at their audio")
    write_list(folder / "utt2num_frames", frames)
    return len(frames)
