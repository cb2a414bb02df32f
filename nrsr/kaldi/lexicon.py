"""Kaldi's pronunciation lexicons: lexicon.txt (word, phones) and lexiconp.txt (word, probability, phones)."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi.lists import problem_of_id, problem_of_spaces, read_lines, split_words
from nrsr.listing import shown

RESERVED_WORDS = ("<eps>", "<s>", "</s>", "#0")
DISAMBIGUATION = re.compile(r"#[0-9]+")
NUMBER = re.compile(r"[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?|[0-9]+\.")  # as probabilities are written
DECIMAL = re.compile(r"(?=.*[.eE])(?=.*[0-9])[0-9.]+([eE][-+]?[0-9]+)?")  # a number that no phone is named
SILENCE_COLUMNS = 4  # of numbers in lexiconp_silprob.txt


class LexiconError(NrsrError):
    """A lexicon that cannot be read or used; names file, lines and cure."""


class Pronunciation(NamedTuple):
    """One way to say a word; `probability` is 1 for the likeliest way, as Kaldi has it."""

    word: str
    phones: tuple[str, ...]
    probability: float = 1.0


def problem_of_phone(phone: str) -> str | None:
    """What is wrong with the name of a phone, or None."""
    if phone == "<eps>" or DISAMBIGUATION.fullmatch(phone):
        return f"{phone!r} is Kaldi's own symbol and cannot be a phone; rename it"
    if DECIMAL.fullmatch(phone):
        return f"{phone!r} is a number and no phone; probabilities belong into lexiconp.txt, one in each line"
    return problem_of_id(phone)


def problem_of_word(word: str) -> str | None:
    """What is wrong with a word, or None."""
    if word in RESERVED_WORDS:
        return f"{word!r} is Kaldi's own symbol and cannot be a word; remove it"
    if problem := problem_of_spaces(word):
        return f"the word {word!r} {problem}; write an ordinary space, or _ inside of a word"
    return problem_of_id(word)


def is_scored_name(path: str | Path) -> bool:
    """Whether a file is of the second form by its name (lexiconp.txt), as in Kaldi."""
    return Path(path).name.split(".")[0].endswith("lexiconp")


def has_probabilities(path: Path, rows: Iterable[list[str]]) -> bool:
    """Whether a file is of the second form: by its name, or because a number precedes the phones of all words.

    Args:
        rows: words of each line.

    Raises:
        LexiconError: the numbers are those of lexiconp_silprob.txt, or more or fewer.
    """
    rows = [row[1:] for row in rows if len(row) > 1]
    numbers = min((_leading_numbers(row) for row in rows), default=0)
    if all(NUMBER.fullmatch(column) for row in rows for column in row) and not is_scored_name(path):
        numbers = 0  # the phones are numbers
    if numbers == SILENCE_COLUMNS:
        raise LexiconError(
            f"{path}: has probabilities of silence, as lexiconp_silprob.txt; nrsr does not use them, give lexiconp.txt"
        )
    if numbers > 1:
        raise LexiconError(
            f"{path}: has {numbers} numbers before the phones of all words; give lexicon.txt or lexiconp.txt"
        )
    return numbers == 1 or is_scored_name(path)


def _leading_numbers(columns: list[str]) -> int:
    """How many numbers precede the phones; the last column is a phone."""
    count = 0
    while count < len(columns) - 1 and NUMBER.fullmatch(columns[count]):
        count += 1
    return count


def read_lexicon(path: str | Path, phones: Collection[str] | None = None) -> list[Pronunciation]:
    """Read a lexicon.

    Args:
        path: UTF-8 text, one pronunciation a line; a word may have several. Numbers before the phones of all words are
            probabilities, whatever the name of the file.
        phones: the phones that may be used; None allows all.

    Returns:
        pronunciations in the order of the file.

    Raises:
        LexiconError: names all lines with a word without phones, an unknown phone, a pronunciation that appears twice,
            a probability outside (0, 1] or a reserved symbol; or says that there is no word at all.
        ListError: the file is missing or not UTF-8.
    """
    path = Path(path)
    lines = [(number, split_words(line)) for number, line in read_lines(path)]
    scored = has_probabilities(path, (columns for _, columns in lines))
    known = None if phones is None else frozenset(phones)
    lexicon: list[Pronunciation] = []
    first_seen: dict[tuple[str, tuple[str, ...]], int] = {}
    faults: list[tuple[int, str]] = []
    for number, columns in lines:
        try:
            entry = _entry_of(columns, scored)
            _check_phones(entry, known)
            if (said := entry[:2]) in first_seen:
                raise LexiconError(f"{entry.word!r} has the same phones in line {first_seen[said]}; remove one of them")
        except LexiconError as fault:
            faults.append((number, str(fault)))
            continue
        first_seen[said] = number
        lexicon.append(entry)
    if faults:
        raise LexiconError(_all_faults(path, faults))
    if not lexicon:
        raise LexiconError(f"{path}: has no word; write one a line, followed by its phones")
    return lexicon


def _entry_of(columns: list[str], scored: bool) -> Pronunciation:
    if not columns:
        raise LexiconError("the line is blank; remove it")
    word, probability, phones = columns[0], 1.0, columns[1:]
    if problem := problem_of_word(word):
        raise LexiconError(problem)
    if scored:
        try:
            number = phones.pop(0)
            probability = float(number) if NUMBER.fullmatch(number) else 0.0
        except IndexError:
            probability = 0.0
        if not 0 < probability <= 1:
            raise LexiconError(
                f"{word!r} needs a probability in (0, 1] before its phones; or name the file lexicon.txt"
            )
    if not phones:
        raise LexiconError(f"{word!r} has no pronunciation; write its phones behind it or remove the line")
    return Pronunciation(word, tuple(phones), probability)


def _check_phones(entry: Pronunciation, known: frozenset[str] | None) -> None:
    for phone in entry.phones:
        if problem := problem_of_phone(phone):
            raise LexiconError(f"{entry.word!r}: {problem}")
        if known is not None and phone not in known:
            raise LexiconError(
                f"{entry.word!r} has the unknown phone {phone!r}; list it among the phones or correct it"
            )


def _all_faults(path: Path, faults: list[tuple[int, str]]) -> str:
    """The first fault in full and the lines of the others, in one line."""
    number, text = faults[0]
    message = f"{path}:{number}: {text}"
    if len(faults) > 1:
        message += f" (and {len(faults) - 1} more faulty lines: {shown(str(line) for line, _ in faults[1:])})"
    return message


def write_lexicon(path: str | Path, lexicon: Iterable[Pronunciation]) -> None:
    """Write pronunciations sorted by word in the C locale; with probabilities where the file is named lexiconp.txt.

    Raises:
        LexiconError: nothing to write, or what read_lexicon would refuse.
    """
    scored, entries = is_scored_name(path), sorted(set(lexicon), key=lambda entry: entry[:2])
    if not entries:
        raise LexiconError(f"{path}: there is no pronunciation to write; give some words")
    for entry in entries:
        if problem := problem_of_word(entry.word):
            raise LexiconError(f"{path}: {problem}")
        if not entry.phones:
            raise LexiconError(f"{path}: {entry.word!r} has no pronunciation; give its phones")
        _check_phones(entry, None)
    with atomic_open(path) as stream:
        for entry in entries:
            probability = [f"{entry.probability:g}"] if scored else []
            stream.write(" ".join([entry.word, *probability, *entry.phones]) + "\n")


def missing_words(words: Iterable[str], lexicon: Iterable[Pronunciation]) -> list[str]:
    """The words that have no pronunciation, each once, sorted."""
    return sorted(set(words) - {entry.word for entry in lexicon})
