"""Scores of the outputs of systems: metrics, the scores table, pooling over seeds and folds, intervals, differences."""

from nrsr.scoring.alignment import aligned_pairs, aligned_text, count_errors
from nrsr.scoring.bootstrap import interval, resampled_sums
from nrsr.scoring.comparison import compare_tables
from nrsr.scoring.experiments import ExperimentsError, Run, find_runs
from nrsr.scoring.labels import ScoringError, read_labels
from nrsr.scoring.metric import Metric, MetricError, UndefinedMeasure, find_metric, mean_metric, ratio
from nrsr.scoring.pooling import pool_runs
from nrsr.scoring.summary import summarise
from nrsr.scoring.table import ScoreFileError, ScoreTable, read_table, write_table
from nrsr.scoring.texts import read_texts, score_texts

__all__ = [
    "ExperimentsError",
    "Metric",
    "MetricError",
    "Run",
    "ScoreFileError",
    "ScoreTable",
    "ScoringError",
    "UndefinedMeasure",
    "aligned_pairs",
    "aligned_text",
    "compare_tables",
    "count_errors",
    "find_metric",
    "find_runs",
    "interval",
    "mean_metric",
    "pool_runs",
    "ratio",
    "read_labels",
    "read_table",
    "read_texts",
    "resampled_sums",
    "score_texts",
    "summarise",
    "write_table",
]
