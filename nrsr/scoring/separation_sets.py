"""Scoring what a system has separated in a data directory: each mixture, means with intervals, paired differences."""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.data.mixture_check import clipped_samples
from nrsr.data.mixture_files import MixtureFiles
from nrsr.files import atomic_open
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.scoring.bootstrap import DRAWS, SEED, interval, resampled_sums
from nrsr.scoring.separation import SourceScores, score_mixture
from nrsr.scoring.texts import LABEL_FILES, ScoringError, read_labels
from nrsr.scoring.utterances import UNKNOWN
from nrsr.scoring.wer import label_order
from nrsr.workers import run_work

BREAKDOWNS = ("noise", "snr")


@dataclass(frozen=True)
class SeparationScores:
    """A scored test set.

    Attributes:
        utterances: in C order.
        labels: "noise", "noisefile", "snr" -> label of each utterance, for what the data directory tells.
        values: measure -> mean over the speakers of each utterance [U], NaN where it is undefined.
    """

    utterances: list[str]
    labels: dict[str, np.ndarray]
    values: dict[str, np.ndarray]


@dataclass(frozen=True)
class ScoredMixture:
    """The scores of one mixture, and at how many samples it is clipped."""

    id: str
    scores: SourceScores
    clipped: int


def score_separation(
    reference: str | Path, separated: str | Path, measures: Collection[str], nj: int = 1
) -> list[ScoredMixture]:
    """Score each mixture of a data directory.

    Args:
        reference: data directory of mixtures with wav.scp, spk1.scp, spk2.scp, ...
        separated: directory with as many spk1.scp, spk2.scp, ... in any order of the speakers.
        measures: of `nrsr.scoring.separation.MEASURES`.
        nj: processes.

    Raises:
        MixturesError: `reference` holds no mixtures.
        ScoringError: mixtures that are not whole, or estimates missing, or of other lengths.
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
    open_estimates(separated, files, list(samples))
    make = functools.partial(make_scorer, str(reference), str(separated), tuple(measures))
    results = run_work(make, list(samples), nj)
    return list(track(results, f"scoring {separated}", total=len(samples)))


def open_estimates(separated: str | Path, files: MixtureFiles, names: list[str]) -> list[Waves]:
    """The waves of each estimated speaker.

    Raises:
        ScoringError: not as many as sources, or not of the same mixtures.
    """
    directory, rate = DataDir(separated), files.waves.rate()
    scps = [f"spk{number}.scp" for number in range(1, files.speakers + 1)]
    absent = [scp for scp in scps if not directory.has(scp)]
    if absent or directory.has(f"spk{files.speakers + 1}.scp"):
        told = f"has no {', '.join(absent)}" if absent else f"has more than {files.speakers} speakers"
        raise ScoringError(f"{separated}: {told}, but {files.path} has {files.speakers} sources; score the right set")
    estimates = [directory.waves(scp, rate=rate) for scp in scps]
    for scp, waves in zip(scps, estimates, strict=True):
        lacking = [name for name in names if name not in waves]
        if lacking:
            raise ScoringError(
                f"{Path(separated) / scp}: lacks {len(lacking)} of {len(names)} mixtures, first {lacking[0]}; "
                "separate the same data directory again"
            )
    return estimates


def make_scorer(reference: str, separated: str, measures: tuple[str, ...]) -> Callable[[str], ScoredMixture]:
    """A function that scores one mixture, for worker processes."""
    files = MixtureFiles(reference, None)
    rate = files.waves.rate()
    estimates = open_estimates(separated, files, [])

    def score(name: str) -> ScoredMixture:
        mixture, sources, _ = files.read(name, silence=True)
        found = [waves[name] for waves in estimates]
        if lengths := {len(wave) for wave in found} - {len(mixture)}:
            raise ScoringError(
                f"{separated}: {name}: {min(lengths)} samples were separated of {len(mixture)}; separate the same data "
                "directory again"
            )
        scores = score_mixture(mixture, sources, np.stack(found), rate, measures)
        return ScoredMixture(name, scores, clipped_samples(mixture))

    return score


def collect(scored: list[ScoredMixture], data: str | Path) -> SeparationScores:
    """The figures of all mixtures, with what the data directory tells of them.

    Raises:
        ScoringError: no mixture has a source that is heard.
    """
    kept = [one for one in scored if len(one.scores.silent_sources) < len(one.scores.order)]
    if not kept:
        raise ScoringError(f"{data}: all sources of all mixtures are silent; there is nothing to score")
    names = [one.id for one in kept]
    known = read_labels(data, names)
    labels = {label: np.array([known[label][name] for name in names]) for label in LABEL_FILES if label in known}
    values = {}
    for measure in kept[0].scores.values:
        rows = np.array([one.scores.values[measure] for one in kept])
        counted = (~np.isnan(rows)).sum(1)
        values[measure] = np.where(counted > 0, np.nansum(rows, 1) / np.maximum(counted, 1), np.nan)
    return SeparationScores(names, {label: values for label, values in labels.items() if label != "spk"}, values)


def means(scores: SeparationScores, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """The content of sep.json: "total", and by "noise" and "snr" label, measure -> mean, interval, utterances.

    Utterances are drawn, and noise recordings where they are known (`nrsr.scoring.bootstrap`).
    """
    groups = [("total", "", np.ones(len(scores.utterances), dtype=bool))]
    for label in BREAKDOWNS:
        if label in scores.labels:
            found = sorted(set(scores.labels[label].tolist()), key=label_order)
            groups += [(label, value, scores.labels[label] == value) for value in found]
    units = drawn_units(scores)
    summary: dict[str, Any] = {
        "bootstrap": {"over": ["mixtures", "noise recordings"][: len(units)], "draws": draws, "seed": seed}
    }
    stacked = np.stack([values * mask for _, _, mask in groups for values in _sums(scores.values)], axis=1)
    sums = resampled_sums(stacked, units, draws, seed).reshape(draws, len(groups), len(scores.values), 2)
    for number, (label, value, mask) in enumerate(groups):
        row = {
            measure: _figure(scores.values[measure][mask], sums[:, number, column])
            for column, measure in enumerate(scores.values)
        }
        if label == "total":
            summary["total"] = row
        else:
            summary.setdefault(label, {})[value] = row
    return summary


def compare(scores: SeparationScores, versus: SeparationScores, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """Measure -> mean of the paired differences `scores` - `versus`, with interval (above 0: `scores` is better).

    Raises:
        ScoringError: not the same mixtures.
    """
    if scores.utterances != versus.utterances:
        raise ScoringError("the two systems were not scored on the same mixtures; score both against one directory")
    common = [measure for measure in scores.values if measure in versus.values]
    differences = {measure: scores.values[measure] - versus.values[measure] for measure in common}
    sums = resampled_sums(np.stack(_sums(differences), axis=1), drawn_units(scores), draws, seed)
    sums = sums.reshape(draws, len(common), 2)
    return {measure: _figure(differences[measure], sums[:, column]) for column, measure in enumerate(common)}


def drawn_units(scores: SeparationScores) -> list[np.ndarray]:
    """What a bootstrap draws: mixtures, and noise recordings where they are known."""
    noises = [scores.labels["noisefile"]] if "noisefile" in scores.labels else []
    return [np.array(scores.utterances), *noises]


def _sums(values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """For each measure its values, 0 where they are undefined, and 1 where they are defined."""
    return [column for own in values.values() for column in (np.nan_to_num(own), (~np.isnan(own)).astype(float))]


def _figure(values: np.ndarray, sums: np.ndarray) -> dict[str, Any]:
    """Mean, interval and count of a measure; sums [draws, 2] of values and counts."""
    known = values[~np.isnan(values)]
    drawn = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
    return {
        "mean": float(known.mean()) if len(known) else None,
        "interval": interval(drawn),
        "mixtures": len(known),
    }


def write_tables(scored: list[ScoredMixture], scores: SeparationScores, out: Path) -> None:
    """Write sources.tsv (a row for each speaker of each mixture) and utterances.tsv (means over the speakers)."""
    measures = list(scores.values)
    with atomic_open(out / "sources.tsv") as stream:
        stream.write("\t".join(["utt", "source", "estimate", *measures]) + "\n")
        for one in scored:
            for source, estimate in enumerate(one.scores.order):
                cells = [_cell(one.scores.values[measure][source]) for measure in measures]
                stream.write("\t".join([one.id, str(source + 1), str(estimate + 1), *cells]) + "\n")
    labels = [label for label in LABEL_FILES if label != "spk"]
    with atomic_open(out / "utterances.tsv") as stream:
        stream.write("\t".join(["utt", *labels, *measures]) + "\n")
        for row, name in enumerate(scores.utterances):
            known = [str(scores.labels[label][row]) if label in scores.labels else UNKNOWN for label in labels]
            stream.write("\t".join([name, *known, *(_cell(scores.values[m][row]) for m in measures)]) + "\n")


def _cell(value: float) -> str:
    return UNKNOWN if np.isnan(value) else f"{value:.6f}"
