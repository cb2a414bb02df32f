"""Write a data directory with some of the utterances of another.

Example:
    nrsr subset-data --random 500 --seed 1 data/train data/train_500
    nrsr subset-data --share 0.1 data/train data/train_share0.1
    nrsr subset-data --utt-list dev_ids data/train data/dev
"""

import argparse
import sys

from nrsr.datadirs import subset
from nrsr.kaldi.lists import read_list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directories, and one way to choose utterances."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--first", type=int, metavar="N", help="the first N utterances")
    which.add_argument("--random", type=int, metavar="N", help="N utterances drawn at random")
    which.add_argument("--share", type=float, metavar="S", help="this share (0 to 1) of each speaker's, at random")
    which.add_argument("--shortest", type=int, metavar="N", help="the N shortest utterances")
    which.add_argument("--utt-list", metavar="FILE", help="the utterances whose ids begin the lines of FILE")
    which.add_argument("--spk-list", metavar="FILE", help="the speakers whose ids begin the lines of FILE")
    parser.add_argument("--seed", type=int, default=0, help="seed of --random and --share (default %(default)s)")
    parser.add_argument("--allow-pipes", action="store_true", help="let commands in wav.scp run, for --shortest")
    parser.add_argument("data", help="data directory")
    parser.add_argument("out", help="data directory to write")


def run(args: argparse.Namespace) -> None:
    """Write OUT with the chosen utterances; files that cannot be cut are named on stderr."""
    if args.first is not None:
        chosen = subset.first(args.data, args.first)
    elif args.random is not None:
        chosen = subset.at_random(args.data, args.random, args.seed)
    elif args.share is not None:
        chosen = subset.share_of_speakers(args.data, args.share, args.seed)
    elif args.shortest is not None:
        chosen = subset.shortest(args.data, args.shortest, allow_pipes=args.allow_pipes)
    elif args.utt_list is not None:
        chosen = list(read_list(args.utt_list, allow_empty_values=True))
    else:
        chosen = subset.of_speakers(args.data, list(read_list(args.spk_list, allow_empty_values=True)))
    contents = subset.subset(args.data, args.out, chosen)
    for name in contents.left:
        print(f"nrsr subset-data: {args.data}/{name} lists no ids and is too large to be copied", file=sys.stderr)
    print(f"{args.out}: {len(contents.utterances)} utterances")
