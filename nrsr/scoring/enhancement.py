"""Scoring enhanced speech: the scores table of a data directory, a row for each utterance.

Before anything is scored, all signals are read once, and what does not fit together is listed; a lag between clean
speech and another signal is such a misfit.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nrsr.data.mixture_check import clipped_samples
from nrsr.errors import NrsrError
from nrsr.kaldi.audio_states import SOURCES_OF, check_states
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.scoring.improvement import Comparison, compare
from nrsr.scoring.labels import ScoringError, read_labels
from nrsr.scoring.lag import lag
from nrsr.scoring.metric import Metric, find_metric, improvement_of
from nrsr.scoring.mixture_scores import MixtureScores, checksum
from nrsr.scoring.rows import table_of_rows
from nrsr.scoring.speech_frames import constant_frames
from nrsr.scoring.table import ScoreTable
from nrsr.signal.activity import is_silent
from nrsr.workers import run_work

CLEAN = "spk1.scp"


class EnhancementFiles:
    """The noisy and clean signals of a data directory, and estimates of the clean ones.

    Attributes:
        names: all utterances of the data directory.
        clean: None where the directory has no spk1.scp, as real recordings.

    Raises:
        ScoringError: no noisy signals, or several speakers.
        NrsrError: a folder or list that cannot be read.
    """

    def __init__(self, data: str | Path, estimates: str | Path):
        self.directory, self.path = DataDir(data), Path(data)
        if self.directory.has("spk2.scp"):
            raise ScoringError(f"{data}: has several speakers (spk2.scp); score them by nrsr score-sep")
        enhanced = DataDir(estimates)
        for folder in (self.directory, enhanced):
            if not folder.has("wav.scp"):
                raise ScoringError(f"{folder.path / 'wav.scp'}: no such file; it should list the signals to score")
        self.names = self.directory.utterances
        self.noisy = self.directory.waves()
        self.rate = self.noisy.rate()
        self.estimates = enhanced.waves(rate=self.rate)
        self.clean = self.directory.waves(CLEAN, rate=self.rate) if self.directory.has(CLEAN) else None

    def parts(self) -> dict[str, Waves]:
        """Noisy signals, clean speech where there is any, and estimates by what they are."""
        clean = {} if self.clean is None else {"clean speech": self.clean}
        return {"noisy signal": self.noisy, **clean, "estimate": self.estimates}

    def read(self, name: str) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Clean speech (or None), noisy signal and estimate of an utterance, float32 [T]."""
        return None if self.clean is None else self.clean[name], self.noisy[name], self.estimates[name]


@dataclass(frozen=True)
class Finding:
    """What a look at the signals of one utterance has found.

    Attributes:
        misfit: why it cannot be scored, and the particulars; "" and "" where it can.
        lags: "noisy signal" and "estimate" -> samples that it is later than the clean speech, where not 0.
        remarks: what is silent, in part or throughout, or clipped.
    """

    misfit: tuple[str, str] = ("", "")
    lags: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def look_at(data: str | Path, estimates: str | Path) -> dict[str, Finding]:
    """Read all signals, and say what is wrong with them.

    Args:
        data: data directory with wav.scp (noisy) and perhaps spk1.scp (clean).
        estimates: data directory with wav.scp, `data` itself included.

    Raises:
        ScoringError, NrsrError: as `EnhancementFiles`, or estimates of other utterances than those of `data`.
        StaleError: the noisy signals have changed since they were enhanced.
    """
    files = EnhancementFiles(data, estimates)
    cure = f"run nrsr enhance on {data} again"
    check_states(Path(estimates) / SOURCES_OF, files.directory, f"{estimates} was made of it", cure)
    if extra := sorted(set(files.estimates) - set(files.names)):
        raise ScoringError(f"{estimates}: has {len(extra)} utterances that {data} lacks, first {extra[0]}; {cure}")
    return {name: _finding(files, name) for name in track(files.names, f"reading {estimates}", total=len(files.names))}


def _finding(files: EnhancementFiles, name: str) -> Finding:
    for what, waves in files.parts().items():
        if name not in waves:
            return Finding((f"no {what}", f"{waves.path} lacks it"))
    try:
        clean, noisy, estimate = files.read(name)
    except NrsrError as error:
        return Finding(("a signal that cannot be read", str(error)))
    for what, wave in (("clean speech", clean), ("estimate", estimate)):
        if wave is not None and len(wave) != len(noisy):
            return Finding((f"{what} of another length", f"{len(wave)} samples, the noisy signal {len(noisy)}"))
    signals = {"noisy signal": noisy, "estimate": estimate}
    if np.array_equal(estimate, noisy):
        del signals["estimate"]
    late = {what: lag(clean, wave, files.rate) for what, wave in signals.items()} if clean is not None else {}
    silent = {"clean speech": clean, "estimate": estimate}
    remarks = [f"silent {what}" for what, wave in silent.items() if wave is not None and is_silent(wave)]
    if clean is not None and not is_silent(clean) and constant_frames(clean, files.rate).any():
        remarks.append("digital silence in the clean speech, which LLR, CSIG and COVL leave out")
    remarks += [f"clipped {what}" for what, wave in signals.items() if clipped_samples(wave)]
    return Finding(lags={what: samples for what, samples in late.items() if samples}, remarks=remarks)


@dataclass(frozen=True)
class ScoredUtterance:
    """The scores of one utterance, and the checksum of its noisy signal and clean speech."""

    id: str
    scores: Comparison
    checksum: str


def score_enhancement(
    data: str | Path, estimates: str | Path, metrics: Sequence[str], nj: int = 1
) -> list[ScoredUtterance]:
    """Score the estimates of all utterances; `look_at` has found nothing wrong with them.

    Args:
        data: data directory. What the metrics are of the noisy signals is kept there in mixture_scores.tsv, where that
            can be written, so that it is measured once for all systems.
        metrics: names, as `nrsr.scoring.metric.find_metric` takes them.
        nj: processes.
    """
    names = EnhancementFiles(data, estimates).names
    make = functools.partial(make_scorer, str(data), str(estimates), tuple(metrics))
    scored = list(track(run_work(make, names, nj), f"scoring {estimates}", total=len(names)))
    noisy = {
        utterance.id: (
            [utterance.checksum],
            {name: np.array([value]) for name, value in utterance.scores.before.items()},
        )
        for utterance in scored
    }
    MixtureScores(data).write(noisy)
    return scored


def make_scorer(data: str, estimates: str, metrics: tuple[str, ...]) -> Callable[[str], ScoredUtterance]:
    """A function that scores one utterance, for worker processes."""
    files, known = EnhancementFiles(data, estimates), MixtureScores(data)
    measures = [find_metric(name) for name in metrics]

    def score(name: str) -> ScoredUtterance:
        clean, noisy, estimate = files.read(name)
        digest = checksum(noisy, noisy[:0] if clean is None else clean, files.rate)
        before = {metric: float(values[0]) for metric, values in known.of(name, [digest], metrics).items()}
        return ScoredUtterance(name, compare(measures, clean, estimate, noisy, files.rate, before), digest)

    return score


def utterances_table(scored: Sequence[ScoredUtterance], metrics: Sequence[Metric], data: str | Path) -> ScoreTable:
    """A row for each utterance: its labels, and each metric with its improvement.

    Raises:
        ScoringError: no utterance has a value, as where all clean speech is silent.
    """
    if all(np.isnan(list(utterance.scores.values.values())).all() for utterance in scored):
        raise ScoringError(f"{data}: no utterance has a value of any metric; check its signals")
    ids = [utterance.id for utterance in scored]
    columns = [column for metric in metrics for column in (metric, improvement_of(metric))]
    rows = [[utterance.scores.values[metric.name] for metric in columns] for utterance in scored]
    return table_of_rows(ids, read_labels(data, ids), columns, rows)


def seconds_of(scored: Sequence[ScoredUtterance]) -> Mapping[str, float]:
    """CPU time of each metric, over all utterances and processes."""
    sums: dict[str, float] = {}
    for utterance in scored:
        for name, seconds in utterance.scores.seconds.items():
            sums[name] = sums.get(name, 0.0) + seconds
    return sums
