"""Apply a system of any kind to a data directory, and write its outputs.

Example:
    nrsr apply --exp exp/beeps --data data/test --out exp/beeps/apply_test
    nrsr apply --exp exp/mtl_seed1 --data data/test --out hidden --outputs layer4
    nrsr apply --config conf/wiener.yaml --data data/test --out exp/wiener/apply_test

--exp names a trained experiment. A system that needs no training is applied by its --config alone; a config without
`sample_rate` takes that of DATA.

Each system defines its outputs: text (OUT/NAME), vectors and frames (OUT/NAME.ark and .scp), waveforms (OUT becomes a
data directory). decode, enhance and separate are the same with options of their own. An input longer than --piece is
processed in overlapping pieces where the outputs allow it. OUT/apply.log lists times and remarks; utterances that fail
are listed in OUT/skipped while the others are written, and the command ends with an error. Outputs that an earlier run
wrote into OUT, and this one does not, are removed.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments, add_system_arguments, names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The system, the data directory, the outputs to write, and how to run."""
    add_system_arguments(parser)
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--outputs", type=names, metavar="A,B", help="outputs to write (all but those on request)")
    add_running_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the outputs and OUT/apply.log, and print how many utterances were processed."""
    from nrsr.inference.application import outputs_of
    from nrsr.inference.apply import apply_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    data, settings = DataDir(args.data, channel=args.channel), Settings.from_arguments(args)
    make, name = outputs_of(
        args.exp, args.config, lambda: data.waves(allow_pipes=args.allow_pipes).rate(), args.outputs, args.device
    )
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, head=[name]))
