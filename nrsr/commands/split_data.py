"""Split a data directory into DATA/splitN/1 to DATA/splitN/N without dividing a speaker.

Example:
    nrsr split-data data/train 4
    nrsr split-data --per-utt data/test 8      # data/test/split8utt/1 to 8
"""

import argparse

from nrsr.datadirs.split import split


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directory, the number of parts, and where it may be cut."""
    parser.add_argument("--per-utt", action="store_true", help="split between any utterances: DATA/splitNutt/J")
    parser.add_argument("data", help="data directory")
    parser.add_argument("parts", type=int, help="number of parts N")


def run(args: argparse.Namespace) -> None:
    """Write the parts and print their paths."""
    for part in split(args.data, args.parts, by_utterance=args.per_utt):
        print(part)
