"""From two Kaldi text files to the counts of each utterance, refusing texts that do not belong together."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_list, split_words
from nrsr.scoring.alignment import count_errors
from nrsr.scoring.utterances import UNKNOWN, Scores, scores_of_rows

LABEL_FILES = {"spk": "utt2spk", "noise": "utt2noise", "noisefile": "utt2noisefile", "snr": "utt2snr"}


class ScoringError(NrsrError):
    """Reference, hypothesis and data directory do not belong together, or hold nothing to score."""


def read_texts(reference: str | Path, *hypotheses: str | Path) -> list[dict[str, str]]:
    """Read a reference and its hypotheses, each utterance id -> transcript; empty transcripts are allowed.

    Raises:
        ScoringError: ids that differ (a system that lost an utterance must not look better for it), or no words.
        ListError: a file that is not a Kaldi text file, an id twice included.
    """
    texts = [read_list(path, allow_empty_values=True) for path in (reference, *hypotheses)]
    if not any(texts[0].values()):
        raise ScoringError(f"{reference}: holds no words, so that WER is undefined; check that it is the reference")
    for path, text in zip(hypotheses, texts[1:], strict=True):
        missing, extra = texts[0].keys() - text.keys(), text.keys() - texts[0].keys()
        if missing or extra:
            raise ScoringError(
                f"{path}: its utterances are not those of {reference}: {_named(missing, 'missing')}, "
                f"{_named(extra, 'extra')}; decode the same data directory again, or score against its own text"
            )
    return texts


def _named(ids: Iterable[str], what: str) -> str:
    first = min(ids, default=None)
    return f"none {what}" if first is None else f"{len(set(ids))} {what} (first {first})"


def read_labels(data: str | Path | None, utterances: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """What utt2spk, utt2noise, utt2noisefile and utt2snr of a data directory tell, those of them that are there.

    Args:
        data: the data directory, or None.

    Returns:
        "spk", "noise", "noisefile", "snr" -> utterance -> label.

    Raises:
        ScoringError: no such folder, or a file that leaves out an utterance.
    """
    if data is None:
        return {}
    data = Path(data)
    if not data.is_dir():
        raise ScoringError(f"{data}: there is no such data directory; give the folder that was decoded")
    labels: dict[str, Mapping[str, str]] = {}
    for label, name in LABEL_FILES.items():
        if (data / name).exists():
            labels[label] = {key: _plain(value) for key, value in read_list(data / name).items()}
            lost = sorted(set(utterances) - labels[label].keys())
            if lost:
                raise ScoringError(
                    f"{data / name}: lacks {len(lost)} utterance(s) of the reference (first {lost[0]}); "
                    "complete it, or give the data directory that was decoded"
                )
    return labels


def _plain(label: str) -> str:
    """A label as one cell of a table: numbers in their shortest form, so that 5 and 5.0 dB are one SNR."""
    try:
        return f"{float(label):g}"
    except ValueError:
        return "_".join(split_words(label))


def score_texts(
    reference: Mapping[str, str], hypothesis: Mapping[str, str], labels: Mapping[str, Mapping[str, str]]
) -> Scores:
    """Count the errors of each utterance, in the C order of the ids.

    Words are what ASCII white space separates, and compared letter by letter (case counts). Characters include the
    single spaces between words, as in jiwer and ESPnet.

    Args:
        labels: of `read_labels`.
    """
    rows = []
    for utterance in sorted(reference):
        here, there = split_words(reference[utterance]), split_words(hypothesis[utterance])
        characters = " ".join(here)
        character_errors = 0 if here == there else Levenshtein.distance(characters, " ".join(there))
        known = (labels.get(name, {}).get(utterance, UNKNOWN) for name in LABEL_FILES)
        rows.append((utterance, *known, len(here), *count_errors(here, there), len(characters), character_errors))
    return scores_of_rows(rows)
