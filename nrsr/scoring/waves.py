"""From two scp files of audio to the scores table, as `nrsr.scoring.texts` does from two lists."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import find_metric
from nrsr.scoring.rows import Row, measure_row, table_of_rows
from nrsr.scoring.table import ScoreTable
from nrsr.scoring.texts import check_ids
from nrsr.workers import run_work


def read_waves(reference: str | Path, *estimates: str | Path) -> list[Waves]:
    """Open scp files of the same utterances, all at the rate of the first.

    Raises:
        ScoringError: ids that differ.
        NrsrError: an scp or data directory that cannot be read.
    """
    first = DataDir(Path(reference).parent).waves(Path(reference).name)
    opened = [first]
    for path in estimates:
        opened.append(DataDir(Path(path).parent).waves(Path(path).name, rate=first.rate()))
        check_ids(reference, first, path, opened[-1])
    return opened


def score_waves(
    reference: Waves,
    estimates: Waves,
    labels: Mapping[str, Mapping[str, str]],
    metrics: Sequence[str],
    nj: int = 1,
    tolerance: float = 0.0,
) -> ScoreTable:
    """Measure the estimate of each utterance, as `nrsr.scoring.texts.score_texts` does texts.

    Args:
        metrics: names, as `nrsr.scoring.metric.find_metric` takes them.
        nj: processes.
        tolerance: seconds that an estimate may be shorter or longer; both signals are then cut to the shorter one.

    Raises:
        ScoringError: an estimate of another length.
    """
    ids = sorted(reference)
    make = functools.partial(make_measure, reference, estimates, tuple(metrics), tolerance)
    rows = list(track(run_work(make, ids, nj), f"scoring {estimates.path}", total=len(ids)))
    return table_of_rows(ids, labels, [find_metric(name) for name in metrics], rows)


def make_measure(
    reference: Waves, estimates: Waves, metrics: tuple[str, ...], tolerance: float = 0.0
) -> Callable[[str], Row]:
    """A function that measures one utterance, for worker processes."""
    measures, rate = [find_metric(name) for name in metrics], reference.rate()

    def measure(name: str) -> Row:
        source, estimate = reference[name], estimates[name]
        if abs(len(source) - len(estimate)) > tolerance * rate:
            raise ScoringError(
                f"{estimates.path}: {name}: {len(estimate)} samples beside {len(source)} of the reference; apply the "
                "system to the same data directory again"
            )
        common = min(len(source), len(estimate))
        return measure_row(measures, source[:common], estimate[:common], rate)

    return measure
