"""The figures of one scored test set: in all, per speaker, per noise and per SNR, with intervals (wer.json)."""

from typing import Any

import numpy as np

from nrsr.scoring.bootstrap import DRAWS, SEED, interval, ratios, resampled_sums
from nrsr.scoring.utterances import Scores

BREAKDOWNS = {"speaker": "spk", "noise": "noise", "snr": "snr"}


def drawn_units(scores: Scores) -> list[np.ndarray]:
    """What a bootstrap draws: utterances, and noise recordings where they are known."""
    return [scores["utt"], scores["noisefile"]] if scores.has("noisefile") else [scores["utt"]]


def label_order(label: str) -> tuple[int, float, str]:
    """Sorting key: labels that are numbers (SNRs) by size, before others by their letters."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def summarise(scores: Scores, draws: int = DRAWS, seed: int = SEED) -> dict[str, Any]:
    """What wer.json holds.

    Returns:
        "total": a row, "speaker", "noise", "snr": label -> row, for what the data directory tells; "bootstrap": what
        was drawn. A row has the counts, WER and CER in percent (None over no words), and the 95 % interval of each.
    """
    groups = [("total", "", np.ones(len(scores), dtype=bool))]
    for name, label in BREAKDOWNS.items():
        if scores.has(label):
            found = sorted(set(scores[label].tolist()), key=label_order)
            groups += [(name, value, scores[label] == value) for value in found]
    counted = ("errors", "words", "char_errors", "chars")
    values = np.stack([scores[count] * mask for _, _, mask in groups for count in counted], axis=1)
    units = drawn_units(scores)
    sums = resampled_sums(values, units, draws, seed).reshape(draws, len(groups), len(counted))
    summary: dict[str, Any] = {
        "bootstrap": {"over": ["utterances", "noise recordings"][: len(units)], "draws": draws, "seed": seed}
    }
    for number, (name, value, mask) in enumerate(groups):
        row = _row(scores.take(mask), sums[:, number])
        if name == "total":
            summary["total"] = row
        else:
            summary.setdefault(name, {})[value] = row
    return summary


def _row(scores: Scores, sums: np.ndarray) -> dict[str, Any]:
    """Counts and rates of a group; sums [draws, 4] of errors, words, character errors, characters."""
    errors, words, char_errors, chars = (
        int(scores[name].sum()) for name in ("errors", "words", "char_errors", "chars")
    )
    return {
        "utterances": len(scores),
        "utterances_with_errors": int((scores["errors"] > 0).sum()),
        "words": words,
        "substitutions": int(scores["sub"].sum()),
        "deletions": int(scores["del"].sum()),
        "insertions": int(scores["ins"].sum()),
        "errors": errors,
        "wer": 100 * errors / words if words else None,
        "wer_interval": interval(ratios(sums[:, 0], sums[:, 1])) if words else None,
        "characters": chars,
        "character_errors": char_errors,
        "cer": 100 * char_errors / chars if chars else None,
        "cer_interval": interval(ratios(sums[:, 2], sums[:, 3])) if chars else None,
    }
