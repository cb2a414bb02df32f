"""Recognising a whole data directory: hypotheses, a log with the real-time factor, log-likelihoods."""

import functools
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import nrsr
from nrsr.data import Units
from nrsr.files import atomic_open
from nrsr.inference.batches import make_batches
from nrsr.inference.language_model import unspelled_words
from nrsr.inference.listing import SHOWN, shown
from nrsr.inference.recogniser import DecodingError, Hypothesis, Recogniser
from nrsr.inference.settings import DecodingSettings
from nrsr.kaldi import DataDir, TableWriter, write_list
from nrsr.progress import track
from nrsr.workers import run_work


@dataclass(frozen=True)
class DecodingJob:
    """What `decode_data` and its workers are asked to do.

    Attributes:
        exp: folder of the experiment.
        lm: ARPA file or None.
        device: "cpu" or "cuda".
        loglikes: whether the CTC log-probabilities are wanted.
    """

    exp: Path
    settings: DecodingSettings
    lm: Path | None = None
    device: str = "cpu"
    loglikes: bool = False


class BatchResult(NamedTuple):
    """Hypotheses of a batch by utterance, and what they took."""

    hypotheses: dict[str, Hypothesis]
    frames: dict[str, int]
    wall: float
    cpu: float


class BatchDecoder:
    """Reads and recognises batches of utterances; made once in each worker."""

    def __init__(self, job: DecodingJob, waves: Mapping[str, np.ndarray]):
        experiment = nrsr.load(job.exp)
        self._waves, self._loglikes = waves, job.loglikes
        self._recogniser = Recogniser(experiment.system, experiment.units, job.settings, lm=job.lm, device=job.device)

    def __call__(self, batch: list[str]) -> BatchResult:
        wall, cpu = time.perf_counter(), time.process_time()
        waves = [self._waves[utterance] for utterance in batch]
        try:
            hypotheses = self._recogniser(waves)
        except DecodingError as error:
            raise DecodingError(f"utterances {batch[0]} to {batch[-1]}: {error}") from error
        frames = {utterance: len(hypothesis.log_probs) for utterance, hypothesis in zip(batch, hypotheses, strict=True)}
        if not self._loglikes:  # what nobody wants does not travel between processes
            hypotheses = [hypothesis._replace(log_probs=hypothesis.log_probs[:0]) for hypothesis in hypotheses]
        elapsed = time.perf_counter() - wall, time.process_time() - cpu
        return BatchResult(dict(zip(batch, hypotheses, strict=True)), frames, *elapsed)


def decode_data(job: DecodingJob, data: DataDir, out: Path, *, nj: int = 1, allow_pipes: bool = False) -> str:
    """Recognise every utterance of a data directory.

    Writes out/text (an empty hypothesis is its id alone), out/decode.log and, where `job` asks for them,
    out/loglikes.ark and .scp (natural logarithms, [M, V]). The text comes last, and only when all is recognised.
    The hypotheses are the same for any number of workers `nj` and any batch size.

    Returns:
        the log's last line: number of utterances and real-time factor.

    Raises:
        NrsrError: whatever is wrong with experiment, data or options; AudioError names the utterance.
    """
    started = time.perf_counter()
    experiment = nrsr.load(job.exp)
    _warn_of_words(job, experiment.units)
    rate = experiment.config["sample_rate"]
    waves = data.all_waves(rate=rate, allow_pipes=allow_pipes)
    durations = data.durations(rate=rate, allow_pipes=allow_pipes)
    batches = make_batches(durations, job.settings.batch_size)
    text: dict[str, str] = {}
    frames: dict[str, int] = {}
    wall = cpu = 0.0
    out.mkdir(parents=True, exist_ok=True)
    ark = TableWriter(f"ark,scp:{out}/loglikes.ark,{out}/loglikes.scp") if job.loglikes else nullcontext()
    with ark as loglikes:
        make_work = functools.partial(BatchDecoder, job, waves)
        for result in track(run_work(make_work, batches, nj), f"batches of {data.path} decoded", len(batches)):
            frames.update(result.frames)
            wall, cpu = wall + result.wall, cpu + result.cpu
            for utterance, hypothesis in result.hypotheses.items():
                text[utterance] = hypothesis.text
                if loglikes is not None and len(hypothesis.log_probs):
                    loglikes[utterance] = hypothesis.log_probs
    seconds = sum(durations.values())
    lines = [
        f"experiment {job.exp}, data {data.path}, language model {job.lm or 'none'}, {nj} workers on {job.device}",
        str(job.settings),
        *_remarks(text, frames),
        f"{seconds:.1f} s of speech; reading and recognising took {wall:.2f} s, {cpu:.2f} s of CPU time, summed over "
        f"workers; {time.perf_counter() - started:.2f} s passed, loading included",
        f"{len(text)} utterances, real-time factor {wall / seconds if seconds else 0:.4f} on one worker",
    ]
    with atomic_open(out / "decode.log") as stream:
        stream.writelines(line + "\n" for line in lines)
    write_list(out / "text", text)
    return lines[-1]


def _warn_of_words(job: DecodingJob, units: Units) -> None:
    """Check the language model before any worker starts, and list the words that cannot be recognised."""
    if job.lm is None or job.settings.method == "greedy":
        return
    words = unspelled_words(job.lm, units)
    if words:
        listed = ", ".join(words[:SHOWN])
        print(f"{job.lm}: {len(words)} words cannot be written in the units: {listed} ...", file=sys.stderr)


def _remarks(text: Mapping[str, str], frames: Mapping[str, int]) -> list[str]:
    """What should not go unnoticed; said on stderr as well."""
    short = sorted(utterance for utterance, count in frames.items() if not count)
    empty = sorted(utterance for utterance, words in text.items() if not words and frames[utterance])
    remarks = []
    if short:
        remarks.append(f"{len(short)} utterances are too short for one frame and stand without words: {shown(short)}")
    if empty:
        remarks.append(f"{len(empty)} utterances have an empty hypothesis: {shown(empty)}")
    for remark in remarks:
        print(remark, file=sys.stderr)
    return remarks
