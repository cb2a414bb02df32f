"""Separate the speakers of a data directory's mixtures, or of audio files.

Example:
    nrsr separate --exp exp/unified_2mix_seed1 --data data/test_seen --out exp/unified_2mix_seed1/separate_test_seen
    nrsr separate --exp exp/unified_2mix_seed1 --out separated meeting.wav other.flac

With --data, OUT gets spk1.ark and spk1.scp, spk2.ark and spk2.scp, ..., and copies of the lists that stay valid; with
files, OUT/NAME_spk1.wav and so on. A recording longer than --piece is separated in pieces, whose speakers are put in
order by their overlap, so memory does not grow with its length. The last line is the real-time factor.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the mixtures as a data directory or as files, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    add_running_arguments(parser, piece=30.0, overlap=5.0)
    parser.add_argument("files", nargs="*", metavar="FILE", help="WAV, FLAC, OGG, sphere, ... instead of --data")


def run(args: argparse.Namespace) -> None:
    """Write one waveform per speaker for each mixture of a data directory, or for each file."""
    import functools

    from nrsr.data.inputs import FileInputs
    from nrsr.inference.application import ApplyError, SystemOutputs, of_experiment
    from nrsr.inference.apply import apply_data, apply_files
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    if (args.data is None) == (not args.files):
        raise ApplyError("give either --data or audio files")
    make = functools.partial(of_experiment, SystemOutputs, args.exp, ["spk"], args.device)
    settings = Settings.from_arguments(args, batch_size=1)  # mixtures are long, and no faster together
    if args.files:
        inputs = FileInputs(args.files, (application := make()).outputs["spk"].rate, args.channel)
        print(apply_files(application, inputs, args.out, settings, command="separate", ending="_spk"))
    else:
        how = {"command": "separate", "head": [f"experiment {args.exp}, {args.device}"]}
        print(f"{args.out}: " + apply_data(make, DataDir(args.data, channel=args.channel), args.out, settings, **how))
