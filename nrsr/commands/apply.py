"""Apply a trained system of any kind to a data directory, and write its outputs.

Example:
    nrsr apply --exp exp/beeps --data data/test --out exp/beeps/apply_test
    nrsr apply --exp exp/mtl_seed1 --data data/test --out hidden --outputs layer4

Each system defines its outputs: text (OUT/NAME), vectors and frames (OUT/NAME.ark and .scp), waveforms (OUT becomes a
data directory). decode, enhance and separate are the same with options of their own. An input longer than --piece is
processed in overlapping pieces where the outputs allow it. OUT/apply.log lists times and remarks; utterances that fail
are listed in OUT/skipped while the others are written, and the command ends with an error.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments, names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the data directory, the outputs to write, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--outputs", type=names, metavar="A,B", help="outputs to write (all but those on request)")
    add_running_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the outputs and OUT/apply.log, and print how many utterances were processed."""
    import functools

    from nrsr.inference.application import SystemOutputs, of_experiment
    from nrsr.inference.apply import apply_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    make = functools.partial(of_experiment, SystemOutputs, args.exp, args.outputs, args.device)
    head = [f"experiment {args.exp}, {args.device}"]
    data, settings = DataDir(args.data, channel=args.channel), Settings.from_arguments(args)
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, head=head))
