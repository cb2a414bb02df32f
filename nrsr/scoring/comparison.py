"""Paired comparison of two systems that heard the same test set."""

from typing import Any

import numpy as np

from nrsr.scoring.bootstrap import DRAWS, SEED, interval, ratios, resampled_sums
from nrsr.scoring.texts import ScoringError
from nrsr.scoring.utterances import Scores
from nrsr.scoring.wer import drawn_units


def improvement(differences: np.ndarray) -> float | None:
    """Probability of improvement (Bisani and Ney 2004): share of draws below 0, with half of those that are 0."""
    known = differences[~np.isnan(differences)]
    return float(np.mean((known < 0) + 0.5 * (known == 0))) if len(known) else None


def compare_scores(scores: Scores, versus: Scores, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """The difference `scores` - `versus` in WER (percent points; below 0 where `scores` is better) and its interval.

    Raises:
        ScoringError: not the same utterances with the same words.
    """
    same = len(scores) == len(versus) and all((scores[name] == versus[name]).all() for name in ("utt", "words"))
    if not same:
        raise ScoringError("the two systems were not scored on the same utterances; score both against one reference")
    values = np.stack([scores["errors"], versus["errors"], scores["words"]], axis=1)
    sums = resampled_sums(values, drawn_units(scores), draws, seed)
    differences = ratios(sums[:, 0] - sums[:, 1], sums[:, 2])
    errors, versus_errors, words = values.sum(axis=0).tolist()
    return {
        "wer": 100 * errors / words,
        "versus_wer": 100 * versus_errors / words,
        "difference": 100 * (errors - versus_errors) / words,
        "difference_interval": interval(differences),
        "relative": 100 * (errors - versus_errors) / versus_errors if versus_errors else None,
        "probability_of_improvement": improvement(differences),
    }
