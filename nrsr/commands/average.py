"""Average the weights of the best epochs (or validations between steps) of an experiment into its model.pt.

Example:
    nrsr average --exp exp/asr --n 3
"""

import argparse
from contextlib import nullcontext
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment folder, and the number of checkpoints to average."""
    parser.add_argument("--exp", required=True, metavar="DIR", help="experiment folder")
    parser.add_argument("--n", type=int, required=True, help="how many of the best epochs")


def run(args: argparse.Namespace) -> None:
    """Replace EXP/model.pt by the mean of its best checkpoints, and print which they are."""
    from nrsr.experiment.average import average_experiment, unit_of
    from nrsr.folders import alone_in

    with alone_in(args.exp, "nrsr train") if Path(args.exp).is_dir() else nullcontext():
        best = average_experiment(Path(args.exp), args.n)
    print(f"{Path(args.exp) / 'model.pt'}: mean of {unit_of(Path(args.exp))}s {', '.join(map(str, best))}")
