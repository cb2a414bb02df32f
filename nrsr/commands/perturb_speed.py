"""Copy a data directory at several speeds; parallel clean speech (spk1.scp) gets the same speed.

Example:
    nrsr perturb-speed data/train data/train_sp
    nrsr perturb-speed --speeds 0.95,1.05 data/train data/train_sp
"""

import argparse
import sys

from nrsr.arguments import add_channel
from nrsr.datadirs.perturb import perturb_speed
from nrsr.kaldi.datadir import DataDirError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directory, the factors, and how to read its audio."""
    parser.add_argument("--speeds", default="0.9,1.0,1.1", help="factors separated by commas (default %(default)s)")
    parser.add_argument("--rate", type=int, help="sample rate, Hz; required for headerless audio")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="let commands in wav.scp run")
    parser.add_argument("data", help="data directory")
    parser.add_argument("out", help="data directory to write")


def run(args: argparse.Namespace) -> None:
    """Write one copy of the data for each factor; lists that are left out are named on stderr."""
    try:
        factors = [float(text) for text in args.speeds.split(",")]
    except ValueError:
        raise DataDirError(
            f"--speeds {args.speeds!r}: are not numbers separated by commas; write 0.9,1.0,1.1"
        ) from None
    notes = perturb_speed(
        args.data, args.out, factors, rate=args.rate, channel=args.channel, allow_pipes=args.allow_pipes
    )
    for note in notes:
        print(f"nrsr perturb-speed: {note}", file=sys.stderr)
    print(f"{args.out}: speeds {args.speeds}")
