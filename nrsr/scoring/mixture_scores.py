"""The scores of mixtures themselves, kept beside them, so that they are computed once and not for every system.

A row of mixture_scores.tsv holds for one source of one mixture the metrics of the mixture against it, and a checksum of
the samples of both: where the audio has changed, the row counts for nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nrsr.scoring.table import UNKNOWN, ScoreFileError, ScoreTable, read_table, write_table

NAME = "mixture_scores.tsv"
VERSION = b"2"  # another one makes what was kept void, as when the definition of a metric has changed


def checksum(mixture: np.ndarray, source: np.ndarray, rate: int) -> str:
    """Of the samples [T] of a mixture and of one of its sources, and of the rate."""
    hashed = hashlib.blake2b(VERSION + str((rate, mixture.dtype, source.dtype)).encode(), digest_size=16)
    for wave in (mixture, source):
        hashed.update(np.ascontiguousarray(wave).tobytes())
    return hashed.hexdigest()


class MixtureScores:
    """What is known of the mixtures of a data directory: (mixture, source) -> checksum, metric -> value."""

    def __init__(self, data: str | Path):
        self.path = Path(data) / NAME
        self.known: dict[tuple[str, int], tuple[str, dict[str, float]]] = {}
        try:
            table = read_table(self.path)
            names = [name for name in table.columns if name not in ("utt", "source", "checksum")]
            columns = {name: table.numbers(name).tolist() for name in names}
            sums = table.columns["checksum"].tolist()
            keys = list(zip(table.columns["utt"].tolist(), map(int, table.columns["source"].tolist()), strict=True))
        except (ScoreFileError, KeyError, ValueError):
            return  # missing or damaged: all is computed, and the file written anew
        for row, key in enumerate(keys):
            self.known[key] = sums[row], {name: values[row] for name, values in columns.items()}

    def of(self, utterance: str, sums: Sequence[str], metrics: Iterable[str]) -> dict[str, np.ndarray]:
        """Metric -> [K] of the sources of a mixture, NaN where it is not known of a source with this checksum."""
        rows = [self.known.get((utterance, number + 1), ("", {})) for number in range(len(sums))]
        kept = [values if stored == digest else {} for (stored, values), digest in zip(rows, sums, strict=True)]
        return {name: np.array([values.get(name, np.nan) for values in kept]) for name in metrics}

    def write(self, scores: Mapping[str, tuple[Sequence[str], Mapping[str, np.ndarray]]]) -> bool:
        """Keep checksums [K] and metric -> [K] of mixtures beside what was known of the same audio; False if it cannot.

        Nothing is written where nothing is new. A data directory that cannot be written to is left as it is.
        """
        changed = False
        for utterance, (sums, values) in scores.items():
            for number, digest in enumerate(sums):
                key = utterance, number + 1
                old = self.known.get(key, ("", {}))
                new = {name: float(column[number]) for name, column in values.items()}
                kept = {**(old[1] if old[0] == digest else {}), **new}
                changed |= old[0] != digest or kept.keys() != old[1].keys()
                self.known[key] = digest, kept
        if not changed:
            return True
        rows = sorted(self.known.items())
        names = list(dict.fromkeys(name for _, (_, values) in rows for name in values))
        columns = {
            "utt": np.array([utterance for (utterance, _), _ in rows]),
            "source": np.array([source for (_, source), _ in rows]),
            "checksum": np.array([digest for _, (digest, _) in rows]),
        }
        # With all digits, so that improvements do not depend on which system was scored first.
        columns |= {name: np.array([_text(values.get(name, np.nan)) for _, (_, values) in rows]) for name in names}
        try:
            write_table(ScoreTable(columns), self.path)
        except OSError:
            return False
        return True


def _text(value: float) -> str:
    return UNKNOWN if np.isnan(value) else repr(value)
