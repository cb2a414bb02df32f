"""Estimate an n-gram language model from transcripts and write it as an ARPA file.

Example:
    nrsr make-lm --order 3 data/train/text exp/lm/3gram.arpa

Interpolated Witten-Bell smoothing, defined for small vocabularies too. With --units the model is over characters or
BPE pieces instead of words.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The text, the units to count if not words, the order, and the ARPA file."""
    parser.add_argument("--order", type=int, default=3, metavar="N", help="longest n-grams (3)")
    parser.add_argument("--units", metavar="DIR", help="model the sequences of these units, not of words")
    parser.add_argument("--plain", action="store_true", help="TEXT has no utterance ids: one sentence a line")
    parser.add_argument("text", metavar="TEXT", type=Path, help="Kaldi text file (utterance id, then words)")
    parser.add_argument("arpa", metavar="OUT.arpa", type=Path, help="ARPA file to write")


def run(args: argparse.Namespace) -> None:
    """Count n-grams of words or units, write an ARPA file, and print their numbers."""
    from nrsr.inference.ngram import NgramModel, sentences_of

    sentences = sentences_of(args.text, plain=args.plain)
    if args.units:
        from nrsr.data import Units

        units = Units.load(args.units)
        sentences = [[units.symbols[unit] for unit in units.encode(" ".join(words))] for words in sentences]
    model = NgramModel(sentences, args.order)
    model.write_arpa(args.arpa)
    grams = ", ".join(f"{len(counts)} {order}-grams" for order, counts in enumerate(model.counts, start=1))
    print(f"{args.arpa}: {len(model.words)} words, {grams}")
