"""Signals in scoring: which of them are silent, between which limits decibels are held, scoring one against another."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import Metric
from nrsr.scoring.rows import score_rows
from nrsr.scoring.table import ScoreTable
from nrsr.scoring.texts import check_ids

# SI-SNR and SDR in dB are held between these: a perfect estimate would have infinity, a silent one minus infinity.
LOWEST, HIGHEST = -50.0, 100.0


def is_silent(wave: np.ndarray) -> bool:
    """Whether a signal [T] is constant, as digital silence with an offset or without; nothing sounds in it."""
    return not len(wave) or bool((wave == wave[0]).all())


def limited(decibels: float) -> float:
    """A value in dB between LOWEST and HIGHEST; a silent estimate, which has none, has LOWEST."""
    return LOWEST if np.isnan(decibels) else min(max(decibels, LOWEST), HIGHEST)


def read_waves(reference: str | Path, *others: str | Path) -> list[Waves]:
    """Open scp files of the same utterances, all at the rate of the first.

    Raises:
        ScoringError: ids that differ.
        NrsrError: an scp or data directory that cannot be read.
    """
    first = DataDir(Path(reference).parent).waves(Path(reference).name)
    opened = [first]
    for path in others:
        opened.append(DataDir(Path(path).parent).waves(Path(path).name, rate=first.rate()))
        check_ids(reference, first, path, opened[-1])
    return opened


def score_waves(
    reference: Waves, estimates: Waves, labels: Mapping[str, Mapping[str, str]], metrics: Sequence[Metric]
) -> ScoreTable:
    """Measure the estimate of each utterance, as `nrsr.scoring.texts.score_texts` does texts.

    Raises:
        ScoringError: an estimate of another length.
    """
    rate = reference.rate()

    def pair_of(name: str) -> tuple[np.ndarray, np.ndarray, int]:
        source, estimate = reference[name], estimates[name]
        if len(source) != len(estimate):
            raise ScoringError(
                f"{estimates.path}: {name}: {len(estimate)} samples beside {len(source)} of the reference; apply the "
                "system to the same data directory again"
            )
        return source, estimate, rate

    return score_rows(list(reference), labels, metrics, pair_of)
