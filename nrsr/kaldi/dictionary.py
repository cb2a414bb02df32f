"""Kaldi's dict folder: a lexicon with its silence and speech phones, read from disk or made from a lexicon alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.kaldi.lexicon import Pronunciation, problem_of_phone, read_lexicon
from nrsr.kaldi.lists import c_sorted, read_lines, split_words
from nrsr.listing import shown

SILENCE_PHONES = ("SIL", "SPN")  # silence itself, and noise made by a speaker, which stands for unknown words
POSITIONS = ("B", "E", "I", "S")  # of a phone in its word: begin, end, inside, and alone (single)
STRESS = re.compile(r"(?<=[^0-9])[0-9]$")  # of AH0, AH1, AH2: one phone at the root of the tree


class DictionaryError(NrsrError):
    """A dict folder that is incomplete or contradicts itself; names file, line and cure."""


@dataclass(frozen=True)
class Dictionary:
    """What a lang folder is made from.

    Attributes:
        lexicon: pronunciations.
        silence, nonsilence: sets of phones; those of one set share the root of a decision tree.
        optional_silence: the phone that may occur between words.
        questions: sets of phones that the decision tree may ask for, beside the automatic ones.
    """

    lexicon: list[Pronunciation]
    silence: list[tuple[str, ...]]
    nonsilence: list[tuple[str, ...]]
    optional_silence: str
    questions: list[tuple[str, ...]]

    @property
    def silence_phones(self) -> list[str]:
        """All silence phones, in the order of silence_phones.txt."""
        return [phone for phones in self.silence for phone in phones]

    @property
    def speech_phones(self) -> list[str]:
        """All other phones, in the order of nonsilence_phones.txt."""
        return [phone for phones in self.nonsilence for phone in phones]

    def with_words(self, pronunciations: Iterable[Pronunciation]) -> "Dictionary":
        """The same with further pronunciations; new phones of theirs become speech phones."""
        lexicon = [*self.lexicon, *pronunciations]
        known = {*self.silence_phones, *self.speech_phones}
        new = c_sorted({phone for entry in lexicon for phone in entry.phones} - known)
        return replace(self, lexicon=lexicon, nonsilence=[*self.nonsilence, *((phone,) for phone in new)])


def dictionary_of(lexicon: Sequence[Pronunciation], silence: Sequence[str] = SILENCE_PHONES) -> Dictionary:
    """The dictionary of a lexicon: the phones of `silence`, the first of them optional, and all others as speech.

    Phones that differ only in a last digit (the stress of AH0, AH1) are one set.
    """
    sets: dict[str, list[str]] = {}
    for phone in c_sorted({phone for entry in lexicon for phone in entry.phones} - set(silence)):
        sets.setdefault(STRESS.sub("", phone), []).append(phone)
    return Dictionary(list(lexicon), [(phone,) for phone in silence], list(map(tuple, sets.values())), silence[0], [])


def read_dictionary(folder: str | Path) -> Dictionary:
    """Read lexicon.txt (or lexiconp.txt, which goes first), {silence,nonsilence}_phones.txt, optional_silence.txt and,
    where there is one, extra_questions.txt.

    Raises:
        DictionaryError, LexiconError, ListError: a file is missing or faulty, or a phone is in two sets or in none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DictionaryError(f"{folder}: there is no such folder; give a dict folder, or a lexicon with --lexicon")
    silence = list(_phone_sets(folder / "silence_phones.txt"))
    nonsilence = list(_phone_sets(folder / "nonsilence_phones.txt"))
    _refuse_repeated(folder, silence, nonsilence)
    known = {phone for phones in (*silence, *nonsilence) for phone in phones}
    questions = []
    if (folder / "extra_questions.txt").is_file():
        questions = list(_phone_sets(folder / "extra_questions.txt", known))
    optional = [phone for phones in _phone_sets(folder / "optional_silence.txt", known) for phone in phones]
    if len(optional) != 1 or optional[0] not in {phone for phones in silence for phone in phones}:
        raise DictionaryError(f"{folder}/optional_silence.txt: must hold one phone of silence_phones.txt")
    scored = (folder / "lexiconp.txt").is_file()
    lexicon = read_lexicon(folder / ("lexiconp.txt" if scored else "lexicon.txt"), known)
    return Dictionary(lexicon, silence, nonsilence, optional[0], questions)


def _phone_sets(path: Path, known: set[str] | None = None) -> Iterator[tuple[str, ...]]:
    """One set of phones a line."""
    number = 0
    for number, line in read_lines(path):
        phones = tuple(split_words(line))
        if not phones:
            raise DictionaryError(f"{path}:{number}: the line is blank; remove it")
        for phone in phones:
            if problem := problem_of_phone(phone):
                raise DictionaryError(f"{path}:{number}: {problem}")
            if known is not None and phone not in known:
                raise DictionaryError(f"{path}:{number}: {phone!r} is in neither list of phones; add or remove it")
        yield phones
    if not number and known is None:
        raise DictionaryError(f"{path}: holds no phone; write one a line")


def _refuse_repeated(folder: Path, silence: list[tuple[str, ...]], nonsilence: list[tuple[str, ...]]) -> None:
    phones = [phone for phones in (*silence, *nonsilence) for phone in phones]
    twice = c_sorted({phone for phone in phones if phones.count(phone) > 1})
    if twice:
        raise DictionaryError(
            f"{folder}: {len(twice)} phones appear twice in silence_phones.txt and nonsilence_phones.txt:"
            f" {shown(twice)}; leave each once"
        )
