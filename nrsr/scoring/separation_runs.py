"""The scored separation runs of an experiments folder, pooled over seeds and folds, and paired with a baseline's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.folders import refuse_incomplete
from nrsr.scoring.bootstrap import DRAWS, SEED, interval, resampled_sums
from nrsr.scoring.experiments import NAME, ExperimentsError
from nrsr.scoring.utterances import UNKNOWN

SCORES = "score/utterances.tsv"
LABELS = ("utt", "noise", "noisefile", "snr")


@dataclass(frozen=True)
class MixtureScores:
    """What score-sep wrote of one set: mixtures, the noise recording of each (or None), and measure -> values [U]."""

    mixtures: list[str]
    noises: list[str] | None
    values: dict[str, np.ndarray]


@dataclass(frozen=True)
class SeparationRun:
    """One trained system and what it scored: test set -> scores."""

    path: Path
    system: str
    fold: int | None
    seed: int
    scores: dict[str, MixtureScores]


def find_separation_runs(folder: str | Path, sets: Sequence[str]) -> tuple[list[SeparationRun], list[str]]:
    """Read every run <system>[_fold<F>]_seed<S>/separate_<set>/score/utterances.tsv of a folder.

    Returns:
        The scored runs by system, fold and seed; and the names of folders that are scored but named otherwise.

    Raises:
        ExperimentsError: no run scored on any of these sets, a damaged table, or two runs of one set and fold that
            were scored on different mixtures.
    """
    folder = Path(folder)
    runs, left_out = [], []
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        files = {name: path / f"separate_{name}" / SCORES for name in sets}
        scores = {name: read_mixture_scores(file) for name, file in files.items() if file.exists()}
        named = NAME.fullmatch(path.name)
        if scores and named and named["seed"]:
            fold = None if named["fold"] is None else int(named["fold"])
            runs.append(SeparationRun(path, named["system"], fold, int(named["seed"]), scores))
        elif scores:
            left_out.append(path.name)
    if not runs:
        raise ExperimentsError(
            f"{folder}: holds no <system>[_fold<F>]_seed<S>/separate_<set>/{SCORES} for the sets {', '.join(sets)}; "
            "separate, then score with `nrsr score-sep --out .../separate_<set>/score`"
        )
    first: dict[tuple[str, int | None], SeparationRun] = {}
    for run in runs:
        for name, scores in run.scores.items():
            other = first.setdefault((name, run.fold), run)
            if scores.mixtures != other.scores[name].mixtures or scores.noises != other.scores[name].noises:
                raise ExperimentsError(
                    f"{run.path}/separate_{name}/{SCORES}: mixtures or noises are not those of {other.path}; separate "
                    "and score both on the same data directory"
                )
    return sorted(runs, key=lambda run: (run.system, run.fold or 0, run.seed)), left_out


def read_mixture_scores(path: Path) -> MixtureScores:
    """Read utterances.tsv of score-sep.

    Raises:
        ExperimentsError: a damaged table.
    """
    refuse_incomplete(path.parent)
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    header, rows = (lines[0] if lines else []), lines[1:]
    measures = [name for name in header if name not in LABELS]
    if not rows or "utt" not in header or any(len(row) != len(header) for row in rows):
        raise ExperimentsError(f"{path}: is no table of score-sep, or was cut off; score again")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    try:
        values = {name: np.array([np.nan if c == UNKNOWN else float(c) for c in columns[name]]) for name in measures}
    except ValueError as error:
        raise ExperimentsError(f"{path}: {error}; score again") from error
    noises = list(columns["noisefile"]) if UNKNOWN not in columns.get("noisefile", UNKNOWN) else None
    return MixtureScores(list(columns["utt"]), noises, values)


def pool_separation(
    runs: Sequence[SeparationRun], sets: Sequence[str], baseline: str, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Any]:
    """Figures of each system on each set, and of its paired differences to the baseline.

    A mixture counts with its mean over seeds. Intervals are of a bootstrap over mixtures, and noise recordings where
    they are known, with the same draws for all systems. A difference takes runs of the same fold and seed alone.

    Returns:
        set -> {"drawn": numbers of what is drawn, "systems": system -> measure -> {mean, interval, deviation over
        seeds (None for one), mixtures}, "differences": the same of system - baseline, with "pairs" and "better", the
        share of draws above 0}.
    """
    return {name: _pool_set(runs, name, baseline, draws, seed) for name in sets if any(name in r.scores for r in runs)}


def _pool_set(runs: Sequence[SeparationRun], name: str, baseline: str, draws: int, seed: int) -> dict[str, Any]:
    runs = [run for run in runs if name in run.scores]
    folds = {run.fold: run.scores[name] for run in runs}
    systems = list(dict.fromkeys(run.system for run in runs))
    measures = list(dict.fromkeys(measure for run in runs for measure in run.scores[name].values))
    units = [np.array([f"{fold} {utt}" for fold, one in folds.items() for utt in one.mixtures])]
    if all(one.noises for one in folds.values()):
        units.append(np.array([noise for one in folds.values() for noise in one.noises]))
    figures = {
        (system, measure): _joined(folds, [run for run in runs if run.system == system], name, measure)
        for system in systems
        for measure in measures
    }
    pairs = {system: _paired(runs, system, baseline) for system in systems if system != baseline}
    for system, own in pairs.items():
        for measure in measures:
            figures[system, "versus", measure] = _difference(folds, own, name, measure)
    columns = [column for one in figures.values() for column in (np.nan_to_num(one), (~np.isnan(one)).astype(float))]
    sums = resampled_sums(np.stack(columns, axis=1), units, draws, seed).reshape(draws, len(figures), 2)
    drawn = np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:2], np.nan), where=sums[..., 1] > 0)
    summary: dict[str, Any] = {"drawn": [len(set(one.tolist())) for one in units], "systems": {}, "differences": {}}
    for number, (key, values) in enumerate(figures.items()):
        known = values[~np.isnan(values)]
        figure = {"mean": float(known.mean()) if len(known) else None, "interval": interval(drawn[:, number])}
        system, measure = key[0], key[-1]
        if len(key) == 2:
            own = [run.scores[name].values.get(measure) for run in runs if run.system == system]
            figure["deviation"], figure["mixtures"] = _deviation(own), len(known)
            summary["systems"].setdefault(system, {})[measure] = figure
        elif len(known):
            told = drawn[~np.isnan(drawn[:, number]), number]
            figure["pairs"], figure["better"] = len(pairs[system]), float((told > 0).mean())
            figure["deviation"] = _deviation(_of_pairs(pairs[system], name, measure))
            summary["differences"].setdefault(system, {})[measure] = figure
    return summary


def _joined(
    folds: dict[int | None, MixtureScores], runs: Sequence[SeparationRun], name: str, measure: str
) -> np.ndarray:
    """Mean over seeds of each mixture of all folds, NaN where no run has it."""
    own = {fold: [run.scores[name].values.get(measure) for run in runs if run.fold == fold] for fold in folds}
    return np.concatenate([_mean(own[fold], len(one.mixtures)) for fold, one in folds.items()])


def _difference(
    folds: dict[int | None, MixtureScores],
    pairs: Sequence[tuple[SeparationRun, SeparationRun]],
    name: str,
    measure: str,
) -> np.ndarray:
    """As `_joined`, of the differences between the runs of pairs."""
    own = {fold: _of_pairs([pair for pair in pairs if pair[0].fold == fold], name, measure) for fold in folds}
    return np.concatenate([_mean(own[fold], len(one.mixtures)) for fold, one in folds.items()])


def _of_pairs(pairs: Sequence[tuple[SeparationRun, SeparationRun]], name: str, measure: str) -> list[np.ndarray]:
    """Differences [U] of each pair of runs that both have a measure."""
    both = [[run.scores[name].values.get(measure) for run in pair] for pair in pairs]
    return [mine - theirs for mine, theirs in both if mine is not None and theirs is not None]


def _mean(rows: Sequence[np.ndarray | None], size: int) -> np.ndarray:
    known = [row for row in rows if row is not None]
    return np.mean(known, axis=0) if known else np.full(size, np.nan)


def _paired(runs: Sequence[SeparationRun], system: str, baseline: str) -> list[tuple[SeparationRun, SeparationRun]]:
    theirs = {(run.fold, run.seed): run for run in runs if run.system == baseline}
    mine = (run for run in runs if run.system == system)
    return [(run, theirs[run.fold, run.seed]) for run in mine if (run.fold, run.seed) in theirs]


def _deviation(rows: Sequence[np.ndarray | None]) -> float | None:
    """Standard deviation of the runs' means."""
    means = [np.nanmean(row) for row in rows if row is not None and not np.isnan(row).all()]
    return float(np.std(means, ddof=1)) if len(means) > 1 else None
