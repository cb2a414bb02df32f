"""From two scp files of a number for each frame, such as senones, to the scores table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nrsr.kaldi.tables import open_table
from nrsr.listing import shown
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import Metric
from nrsr.scoring.rows import measure_row, table_of_rows
from nrsr.scoring.table import ScoreTable


class Frames(Mapping):
    """The integer vectors [N] of an scp file by utterance, read when asked for."""

    def __init__(self, path: str | Path):
        self.path, self._table = str(path), open_table(path)

    def __getitem__(self, utterance: str) -> np.ndarray:
        """int32 [N].

        Raises:
            ScoringError: something else than a vector of whole numbers.
            TableError: a damaged ark.
        """
        frames = self._table[utterance]
        if not isinstance(frames, np.ndarray) or frames.dtype != np.int32:
            raise ScoringError(
                f"{self.path}: {utterance}: is no vector of whole numbers, one a frame; give another scp"
            )
        return frames

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def read_frames(reference: str | Path, *estimates: str | Path) -> tuple[list[Frames], list[str]]:
    """Open a reference and the outputs of systems for its utterances.

    Returns:
        What was opened; and lines about utterances that are not scored, since nothing is known about their frames.

    Raises:
        ScoringError: utterances of the reference that are missing, or an empty reference.
        NrsrError: an scp that cannot be read.
    """
    opened = [Frames(path) for path in (reference, *estimates)]
    first, notes = opened[0], []
    if not first:
        raise ScoringError(f"{reference}: lists no utterances, so that nothing can be scored")
    for frames in opened[1:]:
        if lost := sorted(first.keys() - frames.keys()):
            raise ScoringError(
                f"{frames.path}: lacks {len(lost)} utterances of {reference}: {shown(lost)}; apply the system to the "
                "same data directory again"
            )
        if more := sorted(frames.keys() - first.keys()):
            notes.append(f"{frames.path}: {len(more)} utterances are not in {reference} and not scored: {shown(more)}")
    return opened, notes


def score_frames(
    reference: Frames, estimates: Frames, labels: Mapping[str, Mapping[str, str]], metrics: Sequence[Metric]
) -> ScoreTable:
    """Measure a system's outputs for each utterance's frames, as `nrsr.scoring.texts.score_texts` does texts.

    Raises:
        ScoringError: another number of frames.
    """
    ids, rows = sorted(reference), []
    for name in ids:
        known, said = reference[name], estimates[name]
        if len(known) != len(said):
            raise ScoringError(
                f"{estimates.path}: {name}: {len(said)} frames beside {len(known)} of {reference.path}; take "
                "alignments of the same features"
            )
        rows.append(measure_row(metrics, known, said))
    return table_of_rows(ids, labels, metrics, rows)
