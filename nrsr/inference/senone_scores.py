"""Log-likelihoods of senones for a whole data directory, as a hybrid system's decoder and Kaldi's own read them."""

import functools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import nrsr
from nrsr.config import ConfigError, settings_from
from nrsr.data.features import open_features
from nrsr.hmm.graph_folder import read_num_pdfs
from nrsr.inference.listing import shown
from nrsr.inference.recogniser import DecodingError
from nrsr.kaldi import DataDir, TableWriter
from nrsr.progress import track
from nrsr.systems import Senone
from nrsr.systems.hybrid import NEVER
from nrsr.workers import run_work

SHIFT = 0.01  # seconds a frame, for the real-time factor


@dataclass(frozen=True)
class HybridSettings:
    """The `decoding` of a hybrid experiment's config.

    Attributes:
        acoustic_scale, beam, max_active: of the search, see `nrsr.inference.wfst`.
        batch_size: utterances that go through the network together.
    """

    acoustic_scale: float = 0.1
    beam: float = 13.0
    max_active: int = 7000
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"decoding.batch_size: {self.batch_size} is too small; take 1 or more")

    @classmethod
    def from_config(cls, config: dict[str, Any], changes: dict[str, Any]) -> "HybridSettings":
        """From an experiment's config; `changes` of None are none."""
        settings = settings_from(cls, config.get("decoding"), "decoding")
        return replace(settings, **{name: value for name, value in changes.items() if value is not None})


@dataclass(frozen=True)
class HybridJob:
    """What is recognised with what.

    Attributes:
        exp: folder of the experiment.
        graph: folder of nrsr make-graph, None to write log-likelihoods alone.
        device: where the network runs, "cpu" or "cuda".
        loglikes: whether the log-likelihoods are kept, as OUT/loglikes.ark and .scp.
    """

    exp: Path
    settings: HybridSettings
    graph: Path | None
    device: str = "cpu"
    loglikes: bool = False


class BatchScorer:
    """Scores batches of utterances; made once in each worker."""

    def __init__(self, job: HybridJob, data: Path, allow_pipes: bool):
        experiment = nrsr.load(job.exp)
        self._system = experiment.system.to(job.device)
        self._features = open_features(experiment.config, data, allow_pipes=allow_pipes)
        self._missing = 0 if job.graph is None else missing_senones(job.graph, experiment.system)

    def __call__(self, batch: list[str]) -> dict[str, np.ndarray]:
        try:
            scores = self._system.log_likelihoods([self._features[name] for name in batch])
        except RuntimeError as error:
            raise DecodingError(f"utterances {batch[0]} to {batch[-1]}: the network fails: {error}") from error
        if not all(np.isfinite(part).all() for part in scores):
            raise DecodingError("the system gives NaN or infinite log-likelihoods; its training went wrong")
        padding = (0, 0), (0, self._missing)
        return {name: np.pad(part, padding, constant_values=-NEVER) for name, part in zip(batch, scores, strict=True)}


def missing_senones(graph: Path, system: Senone) -> int:
    """How many senones of the graph's model, the last ones, had no frames in training.

    Raises:
        FstError: no graph folder.
        DecodingError: one of a model with fewer senones than the network.
    """
    wanted = read_num_pdfs(graph)
    if (found := len(system.log_priors)) > wanted:
        raise DecodingError(f"{graph}: is for {wanted} senones, the network has {found}; take the graph of its model")
    return wanted - found


class Scored(NamedTuple):
    """Log-likelihoods on disk.

    Attributes:
        frames: utterance -> number of frames.
        seconds: wall time that took.
    """

    table: Path
    frames: dict[str, int]
    seconds: float

    def speed(self, seconds: float, what: str) -> str:
        """A line about how long something took beside the speech."""
        speech = SHIFT * sum(self.frames.values())
        factor = seconds / speech if speech else 0.0
        return f"{what} of {speech:.1f} s of speech took {seconds:.2f} s, real-time factor {factor:.4f}"


def write_likelihoods(job: HybridJob, data: DataDir, out: Path, *, nj: int = 1, allow_pipes: bool = False) -> Scored:
    """Write out/loglikes.ark and .scp, float32 [frames, senones], natural logarithms without any acoustic scale.

    log softmax less log prior, as Kaldi's decoders read them (latgen-faster-mapped). They do not depend on `nj`.

    Raises:
        DecodingError: utterances without features, no hybrid system.
    """
    started = time.perf_counter()
    if job.device == "cuda" and not torch.cuda.is_available():
        raise DecodingError("--device cuda: torch sees no GPU; leave the option out, or see nrsr doctor")
    experiment = nrsr.load(job.exp)
    if not isinstance(experiment.system, Senone):
        raise DecodingError(f"{job.exp}: {type(experiment.system).__name__} is no hybrid system")
    features = open_features(experiment.config, data.path, allow_pipes=allow_pipes)
    if bad := [name for name in data.utterances if features.reason_against(name)]:
        reason = features.reason_against(bad[0])
        raise DecodingError(
            f"{data.path}: {len(bad)} utterances cannot be scored ({reason}): {shown(bad)}; "
            f"run nrsr make-feats and compute-cmvn on {data.path}"
        )
    if features.dim != experiment.system.input_dim:
        raise DecodingError(
            f"{data.path / 'feats.scp'}: {features.dim} values a frame with deltas, the network takes "
            f"{experiment.system.input_dim}; make all features with one config"
        )
    frames = features.frames(data.utterances)
    names = sorted((name for name in frames if frames[name]), key=lambda name: (-frames[name], name))
    size = job.settings.batch_size
    batches = [names[start : start + size] for start in range(0, len(names), size)]
    out.mkdir(parents=True, exist_ok=True)
    make_work = functools.partial(BatchScorer, job, data.path, allow_pipes)
    with TableWriter(f"ark,scp:{out}/loglikes.ark,{out}/loglikes.scp") as writer:
        for scores in track(run_work(make_work, batches, nj), f"batches of {data.path} scored", len(batches)):
            for name, values in scores.items():
                writer[name] = values
    return Scored(out / "loglikes.scp", frames, time.perf_counter() - started)
