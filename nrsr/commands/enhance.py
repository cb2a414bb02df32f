"""Write the waveforms that an experiment's front-end makes of a data directory.

Example:
    nrsr enhance --exp exp/mtl_seed1 --data data/test_seen --out data/test_seen_enhanced

OUT becomes a data directory: wav.ark and wav.scp, with copies of the lists that still hold.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_channel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="data directory to make")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="worker processes of one thread each (1)")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="utterances in a batch (16)")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that stand in wav.scp")


def run(args: argparse.Namespace) -> None:
    from nrsr.folders import making
    from nrsr.inference import enhance_data
    from nrsr.kaldi import DataDir

    options = {"nj": args.nj, "batch_size": args.batch_size, "allow_pipes": args.allow_pipes}
    with making(args.out, "nrsr enhance"):
        print(enhance_data(args.exp, DataDir(args.data, channel=args.channel), args.out, **options))
