"""Scoring what a system has separated in a data directory: the scores table, a row for each speaker of a mixture."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.data.mixture_check import clipped_samples
from nrsr.data.mixture_files import MixtureFiles
from nrsr.kaldi.audio_states import SOURCES_OF, check_states
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.scoring.labels import LABEL_FILES, ScoringError, read_labels
from nrsr.scoring.metric import find_metric
from nrsr.scoring.mixture_scores import MixtureScores, checksum
from nrsr.scoring.separation import SourceScores, score_mixture
from nrsr.scoring.table import UNKNOWN, ScoreTable
from nrsr.workers import run_work

LABELS = [label for label in LABEL_FILES if label != "spk"]  # those that a mixture has as a whole


@dataclass(frozen=True)
class ScoredMixture:
    """The scores of one mixture, at how many samples it is clipped, and the checksum of it with each source."""

    id: str
    scores: SourceScores
    clipped: int
    sums: list[str]


def score_separation(
    reference: str | Path, separated: str | Path, metrics: Sequence[str], nj: int = 1
) -> list[ScoredMixture]:
    """Score each mixture of a data directory.

    Args:
        reference: data directory of mixtures with wav.scp, spk1.scp, spk2.scp, ... What the metrics are of the mixtures
            themselves is kept there in mixture_scores.tsv, where that can be written.
        separated: directory with as many spk1.scp, spk2.scp, ... in any order of the speakers.
        metrics: names, as `nrsr.scoring.metric.find_metric` takes them.
        nj: processes.

    Raises:
        MixturesError: `reference` holds no mixtures.
        ScoringError: mixtures that are not whole, or estimates missing, or of other lengths.
        StaleError: the mixtures have changed since they were separated.
    """
    files = MixtureFiles(reference, None)
    samples, skipped = files.lengths()
    if skipped:
        name, reason = next(iter(skipped.items()))
        raise ScoringError(
            f"{reference}: {len(skipped)} mixtures are not whole, first {name} ({reason}); "
            "nrsr validate-data --mixtures lists all of them"
        )
    if not samples:
        raise ScoringError(f"{reference}: holds no mixtures; check the path")
    cure = f"run nrsr separate on {reference} again"
    check_states(Path(separated) / SOURCES_OF, files.directory, f"{separated} was made of it", cure)
    open_estimates(separated, files, list(samples))
    make = functools.partial(make_scorer, str(reference), str(separated), tuple(metrics))
    results = run_work(make, list(samples), nj)
    scored = list(track(results, f"scoring {separated}", total=len(samples)))
    MixtureScores(reference).write({mixture.id: (mixture.sums, mixture.scores.before) for mixture in scored})
    return scored


def open_estimates(separated: str | Path, files: MixtureFiles, names: list[str]) -> list[Waves]:
    """The waves of each estimated speaker.

    Raises:
        ScoringError: not as many as sources, or not of the same mixtures.
    """
    directory, rate = DataDir(separated), files.waves.rate()
    scps = [f"spk{number}.scp" for number in range(1, files.speakers + 1)]
    absent = [scp for scp in scps if not directory.has(scp)]
    if absent or directory.has(f"spk{files.speakers + 1}.scp"):
        problem = f"has no {', '.join(absent)}" if absent else f"has more than {files.speakers} speakers"
        raise ScoringError(
            f"{separated}: {problem}, but {files.path} has {files.speakers} sources; score the right set"
        )
    estimates = [directory.waves(scp, rate=rate) for scp in scps]
    for scp, waves in zip(scps, estimates, strict=True):
        lacking = [name for name in names if name not in waves]
        if lacking:
            raise ScoringError(
                f"{Path(separated) / scp}: lacks {len(lacking)} of {len(names)} mixtures, first {lacking[0]}; "
                "separate the same data directory again"
            )
    return estimates


def make_scorer(reference: str, separated: str, metrics: tuple[str, ...]) -> Callable[[str], ScoredMixture]:
    """A function that scores one mixture, for worker processes."""
    files = MixtureFiles(reference, None)
    rate = files.waves.rate()
    estimates = open_estimates(separated, files, [])
    measures, known = [find_metric(name) for name in metrics], MixtureScores(reference)

    def score(name: str) -> ScoredMixture:
        mixture, sources, _ = files.read(name, silence=True)
        signals = [waves[name] for waves in estimates]
        if lengths := {len(wave) for wave in signals} - {len(mixture)}:
            raise ScoringError(
                f"{separated}: {name}: {min(lengths)} samples were separated of {len(mixture)}; separate the same data "
                "directory again"
            )
        sums = [checksum(mixture, source, rate) for source in sources]
        scores = score_mixture(mixture, sources, np.stack(signals), rate, measures, known.of(name, sums, metrics))
        return ScoredMixture(name, scores, clipped_samples(mixture), sums)

    return score


def speakers_table(scored: Sequence[ScoredMixture], data: str | Path) -> ScoreTable:
    """A row for each speaker of each mixture: its labels, "source" and the "estimate" taken for it from 1, its scores.

    Raises:
        ScoringError: no mixture has a source that is active.
    """
    if all(len(mixture.scores.silent_sources) == len(mixture.scores.order) for mixture in scored):
        raise ScoringError(f"{data}: all sources of all mixtures are silent; there is nothing to score")
    known = read_labels(data, [mixture.id for mixture in scored])
    scored = sorted(scored, key=lambda mixture: mixture.id)
    names = [mixture.id for mixture in scored for _ in mixture.scores.order]
    columns = {"utt": np.array(names, dtype=str)}
    columns["source"] = np.array([number + 1 for mixture in scored for number in range(len(mixture.scores.order))])
    columns["estimate"] = np.array([estimate + 1 for mixture in scored for estimate in mixture.scores.order])
    for label in LABELS:
        columns[label] = np.array([known.get(label, {}).get(name, UNKNOWN) for name in names], dtype=str)
    for metric in scored[0].scores.values:
        columns[metric] = np.concatenate([mixture.scores.values[metric] for mixture in scored])
    return ScoreTable(columns)
