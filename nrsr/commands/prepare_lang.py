"""Make a lang folder (phones, words, topology, L) from a dict folder, a lexicon, or espeak-ng's guesses.

Example:
    nrsr prepare-lang --dict data/local/dict --position-dependent data/lang
    nrsr prepare-lang --lexicon lexicon.txt --text data/train/text --guess data/lang
    nrsr prepare-lang --text data/train_clean/text --guess data/lang

The files are Kaldi's. Words of the texts without a pronunciation are listed; --guess takes those of espeak-ng, which
LANG/guessed.txt lists. Where all words are in capitals they are spoken in lowercase, since US would be spelled.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where words and pronunciations come from, and the topology of the phones."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--dict", type=Path, metavar="DIR", help="dict folder as in Kaldi")
    source.add_argument("--lexicon", type=Path, metavar="FILE", help="lexicon.txt, or lexiconp.txt with probabilities")
    parser.add_argument("--text", type=Path, action="append", default=[], help="Kaldi text whose words are needed")
    parser.add_argument("--words", type=Path, action="append", default=[], help="needed words, first column of a file")
    parser.add_argument("--guess", action="store_true", help="let espeak-ng pronounce words without an entry")
    parser.add_argument("--voice", default="en-us", help="espeak-ng's language for --guess (en-us)")
    parser.add_argument("--oov", default="<unk>", metavar="WORD", help="word for unknown words (<unk>)")
    parser.add_argument(
        "--silence-phones",
        default="SIL SPN",
        metavar="PHONES",
        help="with --lexicon: optional silence first, the phone of unknown words last ('SIL SPN')",
    )
    parser.add_argument("--position-dependent", action="store_true", help="phones marked by their position in the word")
    parser.add_argument("--states", type=int, default=3, metavar="N", help="HMM states of a phone (3)")
    parser.add_argument("--silence-states", type=int, default=5, metavar="N", help="HMM states of silence (5)")
    parser.add_argument(
        "--silence-probability", type=float, default=0.5, metavar="P", help="probability of silence between words (0.5)"
    )
    parser.add_argument("lang", metavar="LANG", type=Path, help="folder to write")


def run(args: argparse.Namespace) -> None:
    """Write a lang folder in Kaldi's form, and print the numbers of words, guessed ones and phones."""
    from nrsr.hmm.prepare_lang import find_pronunciations, words_of_lists, words_of_texts, write_lang
    from nrsr.kaldi.lists import split_words
    from nrsr.kaldi.make_lang import LangOptions

    pronunciations = find_pronunciations(
        words_of_texts(args.text) | words_of_lists(args.words),
        folder=args.dict,
        lexicon=args.lexicon,
        guess_missing=args.guess,
        voice=args.voice,
        silence=split_words(args.silence_phones) or ("SIL",),
        oov=args.oov,
    )
    options = LangOptions(args.oov, args.position_dependent, args.states, args.silence_states, args.silence_probability)
    lang = write_lang(pronunciations, args.lang, options)
    entries = pronunciations.dictionary.lexicon
    print(
        f"{args.lang}: {len({entry.word for entry in entries})} words with {len(entries)} pronunciations,"
        f" {len(pronunciations.guessed)} of them guessed;"
        f" {len(lang.phone_ids)} phones, {len(lang.silence)} of them silence"
    )
