"""Finding the scored runs of an experiments folder: <system>[_fold<F>]_seed<S>/<stage>_<set>/score/scores.tsv.

<stage> is the name of the command whose outputs are scored: decode_test, separate_test. A system without seeds, such as
a GMM, is named <system>[_fold<F>]_once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.scoring.labels import SNR, comparable
from nrsr.scoring.metric import Metric
from nrsr.scoring.table import ScoreTable, read_header, read_table

NAME = re.compile(r"(?P<system>.+?)(_fold(?P<fold>[0-9]+))?_(seed(?P<seed>[0-9]+)|once)")
SCORES = "score/scores.tsv"


class ExperimentsError(NrsrError):
    """An experiments folder with nothing scored, or with runs that cannot be compared."""


class NothingScoredError(ExperimentsError):
    """No run of a folder was scored with a metric on some sets."""


@dataclass(frozen=True)
class Run:
    """One trained system and its scores: test set -> table; seed None where there was but one training."""

    path: Path
    system: str
    fold: int | None
    seed: int | None
    scores: dict[str, ScoreTable]

    @property
    def pair(self) -> tuple[int, int]:
        """(fold, seed), by which the runs of two systems are paired; -1 for a corpus without folds, and for no seed."""
        return -1 if self.fold is None else self.fold, -1 if self.seed is None else self.seed


def find_runs(folder: str | Path, sets: Sequence[str], metric: Metric) -> tuple[list[Run], list[str]]:
    """Read the scores of every run in a folder, those of the stage whose tables have a metric's columns.

    Returns:
        The runs in the order of their systems, folds and seeds, those without any score included, but not those of
        systems of which another stage alone was scored; and the folders that were scored but are named otherwise.

    Raises:
        NothingScoredError: no run scored on any of these sets.
        ExperimentsError: two stages with the metric for one set, two folders of one
            system, fold and seed, or two runs of one set and fold that were scored on different utterances.
        ScoreFileError: a damaged table.
    """
    folder = Path(folder)
    runs, left_out, elsewhere = [], [], set()
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        scored = _scored(path, metric)
        tables = _tables(scored, sets, metric)
        named = NAME.fullmatch(path.name)
        if named and path.is_dir():
            scores = {name: read_table(file) for name, file in tables.items()}
            fold, seed = (None if named[key] is None else int(named[key]) for key in ("fold", "seed"))
            runs.append(Run(path, named["system"], fold, seed, scores))
            if not scored and any(path.glob(f"*/{SCORES}")):
                elsewhere.add(named["system"])
        elif tables:
            left_out.append(path.name)
    if not any(run.scores for run in runs):
        old = any(folder.glob("*/*/score/utterances.tsv"))
        cure = (
            "what has utterances.tsv was scored by an earlier version: run.sh --stage 6"
            if old
            else ("score them, as with `nrsr score-wer --out .../decode_<set>/score`")
        )
        raise NothingScoredError(
            f"{folder}: holds no <system>[_fold<F>]_seed<S>/<stage>_<set>/{SCORES} with {metric.title} for the sets "
            f"{', '.join(sets)}; {cure}"
        )
    elsewhere -= {run.system for run in runs if run.scores}
    runs = [run for run in runs if run.system not in elsewhere]
    runs.sort(key=lambda run: (run.system, run.pair))
    for first, second in pairwise(runs):
        if (first.system, first.pair) == (second.system, second.pair):
            raise ExperimentsError(f"{first.path} and {second.path} have one system, fold and seed; rename one of them")
    if metric.same_data:
        _check_same_utterances(runs, metric)
    return runs, left_out


def _scored(path: Path, metric: Metric) -> list[Path]:
    """The tables of a run that have the metric's columns."""
    files = sorted(path.glob(f"*/{SCORES}")) if path.is_dir() else []
    return [file for file in files if set(read_header(file)).issuperset(metric.columns)]


def _tables(scored: Sequence[Path], sets: Sequence[str], metric: Metric) -> dict[str, Path]:
    """The table of each set."""
    paths: dict[str, Path] = {}
    for file in scored:
        _, _, name = file.parent.parent.name.partition("_")
        if name in paths and name in sets:
            raise ExperimentsError(f"{file} and {paths[name]} both hold {metric.title} of {name}; remove one")
        paths[name] = file
    return {name: paths[name] for name in sets if name in paths}


def _check_same_utterances(runs: Sequence[Run], metric: Metric) -> None:
    first: dict[tuple[str, int], Run] = {}
    for run in runs:
        for name, table in run.scores.items():
            earlier = first.setdefault((name, run.pair[0]), run)
            if earlier is not run and not same_utterances(table, earlier.scores[name], metric):
                amounts = f"{metric.base}, " if metric.base else ""
                raise ExperimentsError(
                    f"{table.path}: utterances, {amounts}SNRs or noises are not those of {earlier.scores[name].path}; "
                    "apply and score both systems on the same data directory"
                )


def same_utterances(table: ScoreTable, versus: ScoreTable, metric: Metric) -> bool:
    """Whether two tables are of the same utterances, noises, SNRs and amounts of what is counted."""
    if not np.array_equal(table.utterances, versus.utterances):
        return False
    if not np.array_equal(table.label("noisefile"), versus.label("noisefile")):
        return False
    snrs = zip(table.label(SNR).tolist(), versus.label(SNR).tolist(), strict=True)
    if any(snr != paired and comparable(SNR, snr) != comparable(SNR, paired) for snr, paired in snrs):
        return False
    return not metric.base or np.array_equal(metric.counts(table)[metric.base], metric.counts(versus)[metric.base])
