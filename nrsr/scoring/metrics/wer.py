"""Word error rate: substitutions, deletions and insertions over the words of the reference."""

from nrsr.kaldi.lists import split_words
from nrsr.scoring.alignment import count_errors
from nrsr.scoring.metric import Metric, Sums, ratio
from nrsr.scoring.table import ScoreTable

ERRORS = ("sub", "del", "ins")


def measure(reference: str, hypothesis: str) -> tuple[int, int, int, int]:
    """Words of the reference, substitutions, deletions and insertions."""
    said = split_words(reference)
    return len(said), *count_errors(said, split_words(hypothesis))


def counts(table: ScoreTable) -> Sums:
    """Errors and words of each utterance."""
    errors = sum(table.counts(name) for name in ERRORS)
    return {"errors": table.summed(errors), "words": table.summed(table.counts("words"))}


METRIC = Metric(
    name="wer",
    title="WER",
    better="lower",
    columns=("words", *ERRORS),
    measure=measure,
    counts=counts,
    value=lambda sums: 100 * ratio(sums["errors"], sums["words"]),
    unit="%",
    meaning="errors over words",
    base="words",
)
