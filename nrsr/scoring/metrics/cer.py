"""Character error rate: errors over the characters of the reference, single spaces between words included."""

from rapidfuzz.distance import Levenshtein

from nrsr.kaldi.lists import split_words
from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import ScoreTable


def measure(reference: str, hypothesis: str) -> tuple[int, int]:
    """Characters of the reference, and errors; spaces count as in jiwer and ESPnet."""
    said, recognised = (" ".join(split_words(text)) for text in (reference, hypothesis))
    return len(said), Levenshtein.distance(said, recognised)


def counts(table: ScoreTable) -> Sums:
    """Errors and characters of each utterance."""
    return {
        "errors": table.summed(table.counts("char_errors")),
        "characters": table.summed(table.counts("chars")),
    }


METRIC = Metric(
    name="cer",
    title="CER",
    better="lower",
    columns=("chars", "char_errors"),
    measure=measure,
    counts=counts,
    value=lambda sums: 100 * ratio(sums["errors"], sums["characters"]),
    unit="%",
    meaning="errors over characters",
    base="characters",
)
