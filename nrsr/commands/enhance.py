"""Enhance the waveforms of a data directory by a front-end.

Example:
    nrsr enhance --exp exp/mtl_seed1 --data data/test_seen --out data/test_seen_enhanced
    nrsr enhance --config conf/wiener.yaml --data data/test_seen --out exp/wiener/enhance_test_seen

--exp names a trained experiment. A front-end that needs no training is applied by its --config alone; a config without
`sample_rate` takes that of DATA.

OUT becomes a data directory: wav.ark and wav.scp, with copies of the lists that stay valid. A recording longer than
--piece is enhanced in pieces, which are cross-faded where they overlap.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments, add_system_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The front-end, the noisy data directory, the folder for enhanced speech, and how to run."""
    add_system_arguments(parser)
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="data directory to make")
    add_running_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write enhanced waveforms and OUT/enhance.log, and print how many utterances were processed."""
    from nrsr.inference.application import outputs_of
    from nrsr.inference.apply import apply_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    data, settings = DataDir(args.data, channel=args.channel), Settings.from_arguments(args)
    options = {"allow_pipes": args.allow_pipes}
    make, name = outputs_of(args.exp, args.config, data, ["wav"], args.device, **options)
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, command="enhance", head=[name]))
