"""From two Kaldi lists to the scores table, refusing lists that do not belong together."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from nrsr.kaldi.lists import read_list
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import Metric, find_metric
from nrsr.scoring.rows import measure_row, table_of_rows
from nrsr.scoring.table import ScoreTable


def read_texts(reference: str | Path, *hypotheses: str | Path) -> list[dict[str, str]]:
    """Read a reference and its hypotheses, each utterance id -> text; empty texts are allowed.

    Raises:
        ScoringError: ids that differ (a system that lost an utterance must not look better for it), or no words.
        ListError: a file that is not a Kaldi text file, an id twice included.
    """
    texts = [read_list(path, allow_empty_values=True) for path in (reference, *hypotheses)]
    if not any(texts[0].values()):
        raise ScoringError(
            f"{reference}: holds no words, so that nothing can be scored; check that it is the reference"
        )
    for path, text in zip(hypotheses, texts[1:], strict=True):
        check_ids(reference, texts[0], path, text)
    return texts


def check_ids(reference: str | Path, wanted: Iterable[str], path: str | Path, ids: Iterable[str]) -> None:
    """Raise ScoringError unless two lists or tables have the same utterances."""
    missing, extra = set(wanted) - set(ids), set(ids) - set(wanted)
    if missing or extra:
        raise ScoringError(
            f"{path}: its utterances are not those of {reference}: {_named(missing, 'missing')}, "
            f"{_named(extra, 'extra')}; apply the system to the same data directory again, or score against its own "
            "reference"
        )


def _named(ids: set[str], what: str) -> str:
    return f"{len(ids)} {what} (first {min(ids)})" if ids else f"none {what}"


def score_texts(
    reference: Mapping[str, str],
    hypothesis: Mapping[str, str],
    labels: Mapping[str, Mapping[str, str]],
    metrics: Sequence[Metric] | None = None,
) -> ScoreTable:
    """Measure each utterance, in the C order of the ids; what a metric is undefined for has no number.

    Words are compared letter by letter (case counts).

    Args:
        labels: of `read_labels`.
        metrics: that take texts; WER and CER by default.
    """
    metrics = [find_metric("wer"), find_metric("cer")] if metrics is None else metrics
    ids = sorted(reference)
    return table_of_rows(
        ids, labels, metrics, [measure_row(metrics, reference[name], hypothesis[name]) for name in ids]
    )
