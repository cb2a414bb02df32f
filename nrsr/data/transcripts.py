"""The transcripts of a data directory as unit ids, the targets of recognisers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nrsr.data.units import Units
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import c_sorted, split_words

LISTED = 20  # unknown words named in a note


class Transcripts:
    """The list `text` of a data directory.

    Attributes:
        targets: unit ids of the utterances encoded last, one int64 vector each.
        unknown_words: of these utterances, the words that are not among the units, and how often each is there.
    """

    def __init__(self, directory: DataDir, units: Units):
        self.path, self.units = directory.path / "text", units
        self._texts = directory.read("text", allow_empty_values=True)
        self.targets: list[np.ndarray] = []
        self.unknown_words: Counter[str] = Counter()

    def reason_against(self, name: str) -> str | None:
        """Why an utterance has no targets, or None."""
        if name not in self._texts:
            return "no transcript"
        return None if split_words(self._texts[name]) else "empty transcript"

    def alone(self, utterances: Sequence[str]) -> list[str]:
        """Ids that are in `text` and not among the utterances of the directory."""
        return c_sorted(self._texts.keys() - set(utterances))

    def encode(self, ids: Sequence[str]) -> None:
        """Take these utterances, in this order."""
        self.targets = [np.array(self.units.encode(self._texts[name]), dtype=np.int64) for name in ids]
        self.unknown_words = self.units.unknown_words(self._texts[name] for name in ids)

    def keep(self, numbers: Sequence[int]) -> None:
        """Keep these of the encoded utterances."""
        self.targets = [self.targets[number] for number in numbers]

    def frames_needed(self) -> list[int]:
        """Frames that CTC needs for each utterance: its units, and a blank between two that are the same."""
        return [len(units) + int((units[1:] == units[:-1]).sum()) for units in self.targets]

    def note(self) -> str | None:
        """A line about words that are not among the units, None where there are none."""
        if not self.unknown_words:
            return None
        words = ", ".join(f"{word} ({count})" for word, count in self.unknown_words.most_common(LISTED))
        more = ", ..." if len(self.unknown_words) > LISTED else ""
        return f"{self.path}: {len(self.unknown_words)} words are not among the units and become <unk>: {words}{more}"
