"""Join data directories; lists that only some of them have are left out and named.

Example:
    nrsr combine-data data/train_both data/train_clean data/train_noisy
"""

import argparse
import sys

from nrsr.datadirs.combine import combine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The directory to write, and those to join."""
    parser.add_argument("out", help="data directory to write")
    parser.add_argument("data", nargs="+", help="data directories to join")


def run(args: argparse.Namespace) -> None:
    """Write OUT; lists that are left out are named on stderr."""
    for note in combine(args.data, args.out):
        print(f"nrsr combine-data: {note}", file=sys.stderr)
    print(f"{args.out}: {len(args.data)} directories joined")
