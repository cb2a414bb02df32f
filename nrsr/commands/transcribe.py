"""Recognise audio files of any rate and format, one line `file<TAB>words` each.

Example:
    nrsr transcribe --exp exp/no_se_seed1 recording.wav other.flac

A file of another rate than the system's is resampled, and of several channels the first is taken, or the one that
--channel says; what was changed is said on stderr.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_channel
from nrsr.commands.decode import add_search_arguments, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    add_search_arguments(parser)
    add_channel(parser)
    parser.add_argument("files", nargs="+", metavar="FILE", help="WAV, FLAC, OGG, sphere, ...")


def run(args: argparse.Namespace) -> None:
    import nrsr
    from nrsr.inference import Recogniser
    from nrsr.inference.files import read_file
    from nrsr.inference.recogniser import check_recogniser

    experiment = nrsr.load(args.exp)
    check_recogniser(experiment.system)
    settings = settings_of(args, experiment.config)
    recogniser = Recogniser(experiment.system, experiment.units, settings, lm=args.lm)
    for name in args.files:
        [hypothesis] = recogniser([read_file(name, recogniser.sample_rate, args.channel)])
        print(f"{name}\t{hypothesis.text}", flush=True)
