"""Labels of utterances: text, as the data directory has them; SNRs alone compare as numbers."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_list
from nrsr.scoring.table import NUMBER, UNKNOWN

SNR, ORIGINAL = "snr", "uniq"
LABEL_FILES = {"spk": "utt2spk", "noise": "utt2noise", "noisefile": "utt2noisefile", SNR: "utt2snr"}
LABEL_FILES[ORIGINAL] = "utt2uniq"  # utterances of one mixture, or of one sentence in several noises
OF_NOISE = ("noise", "noisefile", SNR)  # clean utterances beside noisy ones have none


class ScoringError(NrsrError):
    """Reference, hypothesis and data directory do not belong together, or hold nothing to score."""


def read_labels(data: str | Path | None, utterances: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """What utt2spk, utt2noise, utt2noisefile, utt2snr and utt2uniq of a data directory say, those that are there.

    Args:
        data: the data directory, or None.

    Returns:
        "spk", "noise", "noisefile", "snr", "uniq" -> utterance -> label. Those of noise may lack utterances.

    Raises:
        ScoringError: no such folder, utt2spk or utt2uniq that lacks an utterance, or a label with a tab.
        ListError: a file that cannot be read.
    """
    if data is None:
        return {}
    data, utterances = Path(data), set(utterances)
    if not data.is_dir():
        raise ScoringError(f"{data}: there is no such data directory; give the folder that was decoded")
    labels: dict[str, Mapping[str, str]] = {}
    for label, name in LABEL_FILES.items():
        if (data / name).exists():
            labels[label] = read_list(data / name)
            lost = sorted(utterances - labels[label].keys())
            if lost and label not in OF_NOISE:
                raise ScoringError(
                    f"{data / name}: lacks {len(lost)} utterance(s) of the reference (first {lost[0]}); "
                    "complete it, or give the data directory that was decoded"
                )
            for utterance, value in labels[label].items():
                if "\t" in value or "\r" in value:
                    raise ScoringError(f"{data / name}: the label of {utterance} holds a tab; replace it by a space")
    return labels


def drawn_together(utterances: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """What a bootstrap draws for each utterance [U]: its original or mixture, or itself where that is unknown."""
    return np.where(originals == UNKNOWN, utterances, originals)


def comparable(label: str, value: str) -> str | float:
    """The key by which labels are compared: an SNR that is a number by its size, all other labels by their letters."""
    return float(value) if label == SNR and NUMBER.fullmatch(value) else value


def group_by(label: str, values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The groups of rows that have a label in common.

    Args:
        label: name of the column.
        values: [U].

    Returns:
        Spelling of each group, SNRs by size, others in C order; and the number of each row's group [U]. A group of SNRs
        that are spelled in several ways has the shortest spelling.
    """
    spelled, inverse = np.unique(values, return_inverse=True)
    keys = [comparable(label, value) for value in spelled.tolist()]
    groups: dict[str | float, list[str]] = {}
    for key, value in zip(keys, spelled.tolist(), strict=True):
        groups.setdefault(key, []).append(value)
    order = sorted(groups, key=lambda key: (isinstance(key, str), key))
    number_of = {key: number for number, key in enumerate(order)}
    numbers = np.array([number_of[key] for key in keys], dtype=np.int64)
    return [min(groups[key], key=lambda value: (len(value), value)) for key in order], numbers[inverse]
