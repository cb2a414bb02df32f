"""Triphone GMM-HMM on spliced frames with LDA and MLLT, from former alignments, as Kaldi's train_lda_mllt."""

from dataclasses import dataclass, replace
from pathlib import Path

from nrsr.hmm.aligner import Beams
from nrsr.hmm.em import Log, train
from nrsr.hmm.lda import estimate_lda
from nrsr.hmm.model import Model
from nrsr.hmm.train_tri import TriSettings, first_model, schedule_of, take_alignments
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.kaldi.lang import Lang

MLLT = frozenset([2, 4, 6, 12])  # iterations that begin with it; Kaldi's


@dataclass(frozen=True)
class LdaSettings(TriSettings):
    """Settings of triphones and of LDA.

    Attributes:
        context: frames on each side that are joined to a frame.
        dim: dimension after LDA.
    """

    context: int = 3
    dim: int = 40


def train_lda(
    pool: WorkerPool, lang: Lang, alignments: Path, settings: LdaSettings, beams: Beams, seed: int, log: Log
) -> Model:
    """Train on the utterances of `pool`, which hold Shares with features without deltas.

    The classes of LDA are the pdfs of the alignments; frames of silence do not count for LDA and MLLT, as in Kaldi.

    Args:
        alignments: as for train_tri.

    Raises:
        AlignmentError, ModelFileError, TopologyError, TableError: as train_tri.
        LdaError, MlltError: too few frames.
    """
    old = take_alignments(pool, lang, alignments, log)
    first, *rest = pool.ask("lda_statistics", old, settings.context)
    for part in rest:
        first.add(part)
    matrix, kept = estimate_lda(first, settings.dim)
    log(f"LDA to {len(matrix)} of {matrix.shape[1]} values keeps {kept:.1%} of the variance between pdfs")
    pool.ask("transform", matrix)
    model = replace(first_model(pool, lang, old, settings, log), transform=matrix)
    return train(pool, model, replace(schedule_of(settings, beams), mllt=MLLT), seed, log)
