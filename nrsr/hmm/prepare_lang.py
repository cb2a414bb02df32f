"""Making a whole lang folder: the words it needs, their pronunciations, Kaldi's files and both forms of L."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.hmm.fst_files import write_fst
from nrsr.hmm.lexicon_fst import lexicon_fst
from nrsr.hmm.pronounce import ENGLISH, guess
from nrsr.kaldi.checksums import write_checksums
from nrsr.kaldi.dictionary import SILENCE_PHONES, Dictionary, DictionaryError, dictionary_of, read_dictionary
from nrsr.kaldi.lang import Lang, LangError, real_words
from nrsr.kaldi.lexicon import Pronunciation, missing_words, problem_of_word, read_lexicon, write_lexicon
from nrsr.kaldi.lists import read_lines, read_list, split_words
from nrsr.kaldi.make_lang import LangOptions, make_lang
from nrsr.listing import shown

SHOWN = 20  # words that a message lists


@dataclass(frozen=True)
class Pronunciations:
    """A dictionary, and the words of its lexicon whose pronunciations were guessed."""

    dictionary: Dictionary
    guessed: list[Pronunciation]


def words_of_texts(texts: Iterable[str | Path]) -> set[str]:
    """All words of Kaldi text files."""
    return {
        word
        for text in texts
        for line in read_list(text, allow_empty_values=True).values()
        for word in split_words(line)
    }


def words_of_lists(paths: Iterable[str | Path]) -> set[str]:
    """The first column of files, such as a vocabulary or a words.txt; symbols that are no words are left out."""
    lines = (split_words(line) for path in paths for _, line in read_lines(path))
    return set(real_words(columns[0] for columns in lines if columns))


def find_pronunciations(
    words: Iterable[str],
    *,
    folder: Path | None = None,
    lexicon: Path | None = None,
    guess_missing: bool = False,
    voice: str = ENGLISH,
    silence: Sequence[str] = SILENCE_PHONES,
    oov: str = "<unk>",
) -> Pronunciations:
    """The dictionary of a dict folder or a lexicon, or of espeak-ng alone, for the words that are needed.

    Words without a pronunciation are guessed or, without `guess_missing`, left to `oov`; stderr lists these words.
    Without a dict folder `oov` is pronounced as the last phone of `silence`, unless the lexicon has it.

    Raises:
        DictionaryError: no dict folder, lexicon or guesses.
        PronunciationError, LexiconError, ListError: as guess, read_dictionary and read_lexicon.
    """
    if folder is not None:
        dictionary = read_dictionary(folder)
    else:
        dictionary = dictionary_of(read_lexicon(lexicon) if lexicon else [], silence)
        if oov not in {entry.word for entry in dictionary.lexicon}:
            dictionary = dictionary.with_words([Pronunciation(oov, (silence[-1],))])
    source = folder or lexicon
    words = set(words) - {oov}
    missing = missing_words(words, dictionary.lexicon)
    if not source and not (missing and guess_missing):
        raise DictionaryError("there are no pronunciations; give --dict or --lexicon, or words and --guess")
    guessed: list[Pronunciation] = []
    if missing and guess_missing:
        for word in missing:
            if problem := problem_of_word(word):
                raise DictionaryError(f"{problem}; then guess again")
        guessed = guess(missing, dictionary.speech_phones, voice, texts=words)
        lacking = f"{source}: {len(missing)} words have no pronunciation" if source else f"{len(missing)} words"
        _say(f"{lacking}; espeak-ng guesses", missing)
        dictionary = dictionary.with_words(guessed)
    elif missing:
        _say(f"{source}: {len(missing)} words have no pronunciation and are read as {oov}; --guess finds some", missing)
    return Pronunciations(dictionary, guessed)


def _say(what: str, words: list[str]) -> None:
    print(f"{what}: {shown(words, SHOWN)}", file=sys.stderr)


def write_lang(pronunciations: Pronunciations, folder: str | Path, options: LangOptions) -> Lang:
    """Write a lang folder with L.fst, L_disambig.fst, phones/align_lexicon.txt and, beside Kaldi's files, the lexicon
    itself and guessed.txt, which lists the pronunciations that nobody has checked.

    Raises:
        DictionaryError, LangError: the dictionary cannot serve, or `options` cannot be.
    """
    if not 0 <= options.silence_probability < 1:
        raise LangError(
            f"--silence-probability {options.silence_probability}: must be from 0 to below 1; Kaldi takes 0.5"
        )
    folder = Path(folder)
    lang, lexicon = make_lang(pronunciations.dictionary, options)
    with making(folder, "nrsr prepare-lang"):
        _write(lang, lexicon, pronunciations, folder, options)
    return lang


def _write(
    lang: Lang, lexicon: Sequence[Pronunciation], pronunciations: Pronunciations, folder: Path, options: LangOptions
) -> None:
    lang.write(folder)
    for name, disambiguate in (("L.fst", False), ("L_disambig.fst", True)):
        fst = lexicon_fst(lang, lexicon, options.silence_probability, disambiguate=disambiguate)
        write_fst(fst, folder / name)
    _write_align_lexicon(folder / "phones", lang, lexicon)
    scored = any(entry.probability != 1 for entry in lexicon)
    used, unused = ("lexiconp.txt", "lexicon.txt") if scored else ("lexicon.txt", "lexiconp.txt")
    write_lexicon(folder / used, pronunciations.dictionary.lexicon)
    (folder / unused).unlink(missing_ok=True)
    if pronunciations.guessed:
        write_lexicon(folder / "guessed.txt", pronunciations.guessed)
    else:
        (folder / "guessed.txt").unlink(missing_ok=True)
    lists = sorted(f"phones/{path.name}" for path in (folder / "phones").glob("*.int"))
    write_checksums(folder, ["phones.txt", "words.txt", "topo", "oov.txt", *lists, "L.fst", "L_disambig.fst"])


def _write_align_lexicon(folder: Path, lang: Lang, lexicon: Sequence[Pronunciation]) -> None:
    """Word, word and phones, from which Kaldi finds the words of a phone sequence; `<eps>` is optional silence."""
    optional = next(phone for phone, number in lang.phones.items() if number == lang.optional_silence)
    rows = dict.fromkeys([("<eps>", (optional,)), *((entry.word, entry.phones) for entry in lexicon)])
    with atomic_open(folder / "align_lexicon.txt") as names, atomic_open(folder / "align_lexicon.int") as numbers:
        for word, phones in rows:
            names.write(" ".join([word, word, *phones]) + "\n")
            ids = [lang.words[word], lang.words[word], *(lang.phones[phone] for phone in phones)]
            numbers.write(" ".join(map(str, ids)) + "\n")
