"""Word error rates: alignment, counts, intervals, comparison of systems, figures pooled over experiments."""

from nrsr.scoring.alignment import aligned_pairs, aligned_text, count_errors
from nrsr.scoring.bootstrap import interval, resampled_sums
from nrsr.scoring.comparison import compare_scores
from nrsr.scoring.experiments import ExperimentsError, Run, find_runs
from nrsr.scoring.pooling import pool_runs
from nrsr.scoring.texts import ScoringError, read_labels, read_texts, score_texts
from nrsr.scoring.utterances import ScoreFileError, Scores, read_scores, write_scores
from nrsr.scoring.wer import summarise

__all__ = [
    "ExperimentsError",
    "Run",
    "ScoreFileError",
    "Scores",
    "ScoringError",
    "aligned_pairs",
    "aligned_text",
    "compare_scores",
    "count_errors",
    "find_runs",
    "interval",
    "pool_runs",
    "read_labels",
    "read_scores",
    "read_texts",
    "resampled_sums",
    "score_texts",
    "summarise",
    "write_scores",
]
