"""Opening an ARPA file as a score of the recogniser's units, whether its words are words or units."""

from pathlib import Path
from typing import NamedTuple

from flashlight.lib.text.decoder import LM

from nrsr.data import Units
from nrsr.data.units import SPACE, WORD_START
from nrsr.inference.arpa import check_order, load_kenlm, read_vocabulary
from nrsr.inference.word_model import LN10, Lexicon, WordModel
from nrsr.kaldi.arpa import END, START, UNKNOWNS, LanguageModelError, plain_file


class UnitScores(NamedTuple):
    """A language model whose score of a unit, times `weight`, is added to a hypothesis (natural logarithms)."""

    lm: LM | WordModel
    weight: float


def of_units(vocabulary: list[str], units: Units) -> bool:
    """Whether an ARPA file with these unigrams models sequences of units (`nrsr make-lm --units`), not of words."""
    if units.kind == "word":
        return False
    spelled = set(vocabulary) - {START, END, *UNKNOWNS}
    # A model of units always has the space, or a piece that begins a word; a model of words, which may all be pieces or
    # characters too, never has.
    between = SPACE in spelled if units.kind == "char" else any(word.startswith(WORD_START) for word in spelled)
    return spelled <= set(units.symbols) and between


def lexicon_of(vocabulary: list[str], units: Units) -> Lexicon:
    """The words that may be recognised: those of the language model, or of word units all the units."""
    if units.kind == "word":
        return Lexicon(units, units.symbols[2:-1])
    return Lexicon(units, [word for word in vocabulary if word not in (START, END, *UNKNOWNS)])


def unspelled_words(path: str | Path, units: Units) -> list[str]:
    """Words of an ARPA file that the units cannot write, so that they are never recognised.

    Raises:
        LanguageModelError: as `open_language_model`.
    """
    vocabulary = read_vocabulary(path)
    if of_units(vocabulary, units):
        return []
    if units.kind == "word":
        return sorted(set(vocabulary) - {START, END, *UNKNOWNS} - set(units.symbols))
    return lexicon_of(vocabulary, units).unspelled


def open_language_model(path: str | Path, units: Units, *, lm_weight: float, word_score: float) -> UnitScores:
    """Read an ARPA file over words or over units.

    Over words, only words that both the file and the units have are recognised (of word units all, those that the
    file lacks as its `<unk>`), and each word adds `word_score`.

    Raises:
        LanguageModelError: a file that is not ARPA, shares no word with the units, or has no words to score.
    """
    with plain_file(path) as (plain, arpa):
        check_order(path, arpa)
        if of_units(arpa.words, units):
            if word_score:
                raise LanguageModelError(f"{path}: is over units; --word-score goes with a language model over words")
            return UnitScores(load_kenlm(plain, units.symbols, path), lm_weight * LN10)
        lexicon = lexicon_of(arpa.words, units)
        if not set(lexicon.words) & set(arpa.words):
            raise LanguageModelError(
                f"{path}: no word can be written in the units; take text of the same language and case"
            )
        kenlm = load_kenlm(plain, lexicon.words, path)
    return UnitScores(WordModel(lexicon, kenlm, lm_weight=lm_weight, word_score=word_score), 1.0)
