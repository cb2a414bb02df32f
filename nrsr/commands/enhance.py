"""Enhance the waveforms of a data directory by an experiment's front-end.

Example:
    nrsr enhance --exp exp/mtl_seed1 --data data/test_seen --out data/test_seen_enhanced

OUT becomes a data directory: wav.ark and wav.scp, with copies of the lists that stay valid. A recording longer than
--piece is enhanced in pieces, which are cross-faded where they overlap.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the noisy data directory, the folder for enhanced speech, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="data directory to make")
    add_running_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write enhanced waveforms and OUT/enhance.log, and print how many utterances were processed."""
    import functools

    from nrsr.inference.application import SystemOutputs, of_experiment
    from nrsr.inference.apply import apply_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    make = functools.partial(of_experiment, SystemOutputs, args.exp, ["wav"], args.device)
    how = {"command": "enhance", "head": [f"experiment {args.exp}, {args.device}"]}
    data, settings = DataDir(args.data, channel=args.channel), Settings.from_arguments(args)
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, **how))
