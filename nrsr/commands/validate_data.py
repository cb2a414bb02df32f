"""Check a data directory and print every failure with file, line and cure.

Example:
    nrsr validate-data --need wav.scp,utt2spk,spk2utt,text data/train
    nrsr validate-data --mixtures --nj 8 data/train_2mix
    nrsr validate-data --apart-from data/train,data/dev,data/noise_train data/test_seen
"""

import argparse
import sys

from nrsr.arguments import add_channel, names
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import NEEDED, check

MAX_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directory, the files it must hold, and whether to read the audio of mixtures."""
    parser.add_argument("data", help="data directory")
    parser.add_argument(
        "--need", default=",".join(NEEDED), help="required files, separated by commas (default %(default)s)"
    )
    parser.add_argument("--allow-pipes", action="store_true", help="accept commands in wav.scp (they are not run)")
    parser.add_argument(
        "--mixtures",
        action="store_true",
        help="read all audio of mixtures and sources: equal lengths, no silent source, no clipping, the right sum",
    )
    parser.add_argument(
        "--apart-from", type=names, default="", metavar="DIR,...", help="refuse speakers and noises that these have too"
    )
    add_channel(parser)
    parser.add_argument("--nj", type=int, default=1, help="processes for --mixtures (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print the failures on stderr, at most MAX_SHOWN of them; returns 1 if there are any."""
    need = tuple(name.strip() for name in args.need.split(",") if name.strip())
    failures, notes = check(args.data, need=need, channel=args.channel, allow_pipes=args.allow_pipes)
    if args.mixtures and not failures:
        from nrsr.data.mixture_check import check_mixtures  # it needs torch, which the plain check does without

        failures = check_mixtures(args.data, args.nj, args.channel)
    for note in notes:
        print(f"nrsr validate-data: note: {note}", file=sys.stderr)
    for failure in failures[:MAX_SHOWN]:
        print(f"nrsr validate-data: {failure}", file=sys.stderr)
    if failures:
        more = f", {len(failures) - MAX_SHOWN} of them not shown" if len(failures) > MAX_SHOWN else ""
        print(f"nrsr validate-data: {args.data}: {len(failures)} failures{more}", file=sys.stderr)
        return 1
    if args.apart_from:
        from nrsr.datadirs.disjoint import refuse_shared

        refuse_shared(DataDir(args.data), [DataDir(path) for path in args.apart_from])
    print(f"{args.data}: valid, {len(DataDir(args.data).utterances)} utterances")
    return 0
