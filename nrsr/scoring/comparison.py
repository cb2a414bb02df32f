"""Paired comparison of two systems on the same test set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.experiments import Run, same_utterances
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import Metric
from nrsr.scoring.pooled_set import ALL, PooledSet
from nrsr.scoring.table import ScoreTable


def compare_tables(
    table: ScoreTable, versus: ScoreTable, metrics: Sequence[Metric], draws: int = DRAWS, seed: int = SEED
) -> dict[str, dict[str, Any]]:
    """Metric -> "value", "versus_value", their "difference" and more over all utterances, as `PooledSet` gives them.

    Raises:
        ScoringError: not the same utterances with the same words.
    """
    if not all(same_utterances(table, versus, metric) for metric in metrics):
        raise ScoringError("the two systems were not scored on the same utterances; score both against one reference")
    systems = {"system": table, "versus": versus}
    runs = {name: [Run(Path(name), name, None, None, {"": scores})] for name, scores in systems.items()}
    summary = PooledSet("", runs, metrics, [ALL]).summary({"system": ["versus"]}, draws, seed)
    (comparison,) = summary["comparisons"]
    return {name: values[ALL] for name, values in comparison["metrics"].items()}
