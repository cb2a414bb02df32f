"""Finding the scored runs of an experiments folder: <system>[_fold<F>]_seed<S>/decode_<set>/score/utterances.tsv.

A system that knows no seeds, such as a GMM, is named <system>[_fold<F>]_once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.scoring.utterances import Scores, read_scores

NAME = re.compile(r"(?P<system>.+?)(_fold(?P<fold>\d+))?_(seed(?P<seed>\d+)|once)")
SCORES = "score/utterances.tsv"


class ExperimentsError(NrsrError):
    """An experiments folder with nothing scored, or with runs that cannot be compared."""


@dataclass(frozen=True)
class Run:
    """One trained system and what it scored: test set -> scores; seed None where there was but one training."""

    path: Path
    system: str
    fold: int | None
    seed: int | None
    scores: dict[str, Scores]

    @property
    def pair(self) -> tuple[int, int]:
        """(fold, seed), by which the runs of two systems are paired; -1 for a corpus without folds, and for no seed."""
        return -1 if self.fold is None else self.fold, -1 if self.seed is None else self.seed


def find_runs(folder: str | Path, sets: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Read the scores of every run in a folder.

    Returns:
        The runs in the order of their systems, folds and seeds, those without any score included; and the names of
        folders that were scored but are named otherwise, so that nothing is left out unsaid.

    Raises:
        ExperimentsError: no run scored on any of these sets, or two runs of one set and fold that were scored on
            different utterances.
        ScoreFileError: a damaged table.
    """
    folder = Path(folder)
    runs, left_out = [], []
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        named = NAME.fullmatch(path.name)
        if named and path.is_dir():
            scored = {name: path / f"decode_{name}" / SCORES for name in sets}
            scores = {name: read_scores(file) for name, file in scored.items() if file.exists()}
            fold = None if named["fold"] is None else int(named["fold"])
            seed = None if named["seed"] is None else int(named["seed"])
            runs.append(Run(path, named["system"], fold, seed, scores))
        elif any(path.glob(f"decode_*/{SCORES}")):
            left_out.append(path.name)
    if not any(run.scores for run in runs):
        raise ExperimentsError(
            f"{folder}: holds no <system>[_fold<F>]_seed<S>/decode_<set>/{SCORES} for the sets {', '.join(sets)}; "
            "decode, then score with `nrsr score-wer --out .../decode_<set>/score`"
        )
    _check_same_utterances(runs)
    return sorted(runs, key=lambda run: (run.system, run.pair)), left_out


def _check_same_utterances(runs: Sequence[Run]) -> None:
    first: dict[tuple[str, int], Run] = {}
    for run in runs:
        for name, scores in run.scores.items():
            other = first.setdefault((name, run.pair[0]), run)
            expected = other.scores[name]
            if len(scores) != len(expected) or any(
                (scores[column] != expected[column]).any() for column in ("utt", "noisefile", "snr", "words")
            ):
                raise ExperimentsError(
                    f"{run.path}/decode_{name}/{SCORES}: utterances, words or noises are not those of {other.path}; "
                    "decode and score both on the same data directory"
                )
