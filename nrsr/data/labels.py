"""Domain labels of utterances, such as their kind of noise: class lists and numbers for the heads that learn them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nrsr.config import ConfigError, settings_from
from nrsr.errors import NrsrError
from nrsr.kaldi.datadir import DataDir

UNKNOWN = -100  # no label, or one that the training data have not; no loss counts it
OF_MIX = ("utt2noise", "utt2noisefile", "utt2snr")  # lists that nrsr mix writes; others come with the speech
OTHERS = "other"  # the second class where `against` is given


class LabelError(NrsrError):
    """Labels that cannot be learnt."""


@dataclass(frozen=True)
class LabelSettings:
    """One entry of a config's `data.labels`.

    Attributes:
        file: the list in the data directory, utterance -> label.
        missing: the label of utterances that the list does not have; null leaves them out of the loss. Where it is
            given, the file itself may be missing.
        against: makes two classes, this label and all others ("other"): `clean` for clean against noisy.
        classes: all labels that there may be, in the order of their numbers; another one is refused. Null takes those
            of the training data, sorted.
    """

    file: str = "utt2noise"
    missing: str | None = None
    against: str | None = None
    classes: list | None = None

    def __post_init__(self) -> None:
        if "/" in self.file or not self.file:
            raise ConfigError(f"data.labels: file {self.file!r}: give the name of a list in the data directory")
        if self.classes is not None:
            names = [name for name in self.classes if isinstance(name, str)]
            if len(set(names)) != len(self.classes) or len(names) < 2 or self.against is not None:
                raise ConfigError(
                    f"data.labels: classes {self.classes!r}: give two labels or more, each once, and no `against`"
                )


class Labels:
    """The labels of one kind for the utterances of a data directory.

    Attributes:
        classes: names of the numbers.
        numbers: the class of each utterance, int64 [N], `UNKNOWN` where there is none.
    """

    def __init__(self, settings: LabelSettings, directory: DataDir):
        self.settings, self._place = settings, directory.path / settings.file
        if settings.missing is None and not directory.has(settings.file):
            source = "nrsr mix writes it" if settings.file in OF_MIX else "write it, a line `UTTERANCE LABEL` each"
            raise LabelError(
                f"{self._place}: no such file; {source}, or say with `missing: clean` in data.labels what utterances "
                "without a label are"
            )
        self._listed = directory.read(settings.file) if directory.has(settings.file) else {}
        self.classes: list[str] = []
        self.numbers = np.zeros(0, dtype=np.int64)

    def name_of(self, utterance: str) -> str | None:
        """The label of an utterance, None where there is none."""
        label = self._listed.get(utterance, self.settings.missing)
        if label is None or self.settings.against is None:
            return label
        return label if label == self.settings.against else OTHERS

    def learn(self, ids: list[str]) -> None:
        """Take the classes from these utterances, in the order of their names, or from the config; and number them.

        Raises:
            LabelError: a label that is none of the config's classes.
        """
        names = {utterance: name for utterance in ids if (name := self.name_of(utterance)) is not None}
        classes = self.settings.classes or sorted(set(names.values()))
        if odd := [utterance for utterance, name in names.items() if name not in classes]:
            raise LabelError(
                f"{self._place}: {odd[0]} has the label {names[odd[0]]!r}, and {len(odd)} utterances have one that "
                f"data.labels does not name ({' '.join(classes)}); mend the list, or add the class"
            )
        self.number(ids, classes)

    def learnt(self) -> list[str]:
        """The classes, for a head to learn.

        Raises:
            LabelError: fewer than two of them.
        """
        if len(self.classes) < 2:
            raise LabelError(
                f"{self._place}: {len(self.classes)} kinds of label among the utterances ({' '.join(self.classes)}); "
                "a head needs two or more"
            )
        return self.classes

    def number(self, ids: list[str], classes: list[str]) -> None:
        """Number the utterances by classes given; other labels become `UNKNOWN`."""
        self.classes = classes
        number_of = {name: number for number, name in enumerate(classes)}
        self.numbers = np.array([number_of.get(self.name_of(name), UNKNOWN) for name in ids], dtype=np.int64)

    def note(self, ids: list[str]) -> str | None:
        """A line about the utterances that no loss on these labels counts, None where there are none."""
        names = [self.name_of(ids[number]) for number in np.flatnonzero(self.numbers == UNKNOWN)]
        if not names:
            return None
        kinds = Counter("no label" if name is None else name for name in names)
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(kinds.items()))
        return f"{self._place}: {len(names)} of {len(ids)} utterances have no label that is learnt: {listed}"


def open_labels(specs: Mapping[str, Any] | None, directory: DataDir) -> dict[str, Labels]:
    """The labels that a config's `data.labels` names.

    Raises:
        ConfigError: a spec that does not fit.
        LabelError: a list that is not there.
    """
    if specs is not None and not isinstance(specs, Mapping):
        raise ConfigError(f"data.labels: expected `name: {{file: utt2noise}}` lines, found {specs!r}")
    return {
        name: Labels(settings_from(LabelSettings, spec, f"data.labels.{name}"), directory)
        for name, spec in (specs or {}).items()
    }
