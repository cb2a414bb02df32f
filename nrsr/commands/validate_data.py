"""Check a data directory and print every failure with file, line and cure.

Example:
    nrsr validate-data --need wav.scp,utt2spk,spk2utt,text data/train
"""

import argparse
import sys

from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import NEEDED, validate

MAX_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="data directory")
    parser.add_argument(
        "--need", default=",".join(NEEDED), help="files that must be there, parted by commas (default %(default)s)"
    )
    parser.add_argument("--allow-pipes", action="store_true", help="accept commands in wav.scp (they are not run)")


def run(args: argparse.Namespace) -> int:
    need = tuple(name.strip() for name in args.need.split(",") if name.strip())
    failures = validate(args.data, need=need, allow_pipes=args.allow_pipes)
    for failure in failures[:MAX_SHOWN]:
        print(f"nrsr validate-data: {failure}", file=sys.stderr)
    if failures:
        more = f", {len(failures) - MAX_SHOWN} of them not shown" if len(failures) > MAX_SHOWN else ""
        print(f"nrsr validate-data: {args.data}: {len(failures)} failures{more}", file=sys.stderr)
        return 1
    print(f"{args.data}: valid, {len(DataDir(args.data).utterances)} utterances")
    return 0
