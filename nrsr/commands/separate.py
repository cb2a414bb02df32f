"""Separate the speakers of a data directory's mixtures, or of audio files.

Example:
    nrsr separate --exp exp/unified_2mix_seed1 --data data/test_seen --out exp/unified_2mix_seed1/separate_test_seen
    nrsr separate --exp exp/unified_2mix_seed1 --out separated meeting.wav other.flac

With --data, OUT gets spk1.ark and spk1.scp, spk2.ark and spk2.scp, ..., and copies of the lists that still hold; with
files, OUT/NAME_spk1.wav and so on. A recording longer than --piece is separated in pieces, whose speakers are put in
order by their overlap, so memory does not grow with its length. The last line tells the real-time factor.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_channel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--piece", type=float, default=30.0, metavar="S", help="longest piece in seconds (30)")
    parser.add_argument("--overlap", type=float, default=5.0, metavar="S", help="overlap of pieces in seconds (5)")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="worker processes of one thread each (1)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs (cpu)")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that stand in wav.scp")
    parser.add_argument("files", nargs="*", metavar="FILE", help="WAV, FLAC, OGG, sphere, ... instead of --data")


def run(args: argparse.Namespace) -> None:
    from nrsr.folders import making
    from nrsr.inference import DecodingError
    from nrsr.inference.separate import SeparationJob, separate_data, separate_files
    from nrsr.inference.separator import Pieces
    from nrsr.kaldi import DataDir

    if (args.data is None) == (not args.files):
        raise DecodingError("give either --data or audio files")
    job = SeparationJob(args.exp, Pieces(args.piece, args.overlap), args.device)
    with making(args.out, "nrsr separate"):
        if args.files:
            print(separate_files(job, args.files, args.out, args.channel))
        else:
            data = DataDir(args.data, channel=args.channel)
            print(separate_data(job, data, args.out, nj=args.nj, allow_pipes=args.allow_pipes))
