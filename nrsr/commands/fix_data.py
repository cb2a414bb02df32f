"""Sort a data directory and drop incomplete or broken utterances, listing each; the old lists go to .backup.

Example:
    nrsr fix-data data/train
"""

import argparse
import sys

from nrsr.folders import making
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.durations import write_utt2dur, write_utt2num_frames
from nrsr.kaldi.fix import fix


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directory, and the lists of durations and numbers of frames to add."""
    parser.add_argument("data", help="data directory")
    parser.add_argument("--utt2dur", action="store_true", help="also write utt2dur, from the audio")
    parser.add_argument("--utt2num-frames", action="store_true", help="also write utt2num_frames, from feats.scp")
    parser.add_argument("--rate", type=int, help="samples per second of headerless audio, for --utt2dur")
    parser.add_argument("--allow-pipes", action="store_true", help="let commands in wav.scp run, for --utt2dur")


def run(args: argparse.Namespace) -> None:
    """Repair DATA in place, naming on stderr what is dropped; then write utt2dur or utt2num_frames if asked."""
    with making(args.data, "nrsr fix-data", anew=False):
        notes = fix(args.data)
        for note in notes:
            print(f"nrsr fix-data: {note}", file=sys.stderr)
        if args.utt2dur:
            write_utt2dur(args.data, rate=args.rate, allow_pipes=args.allow_pipes)
        if args.utt2num_frames:
            write_utt2num_frames(args.data)
    print(f"{args.data}: {len(DataDir(args.data).utterances)} utterances stay, {len(notes)} things were dropped")
