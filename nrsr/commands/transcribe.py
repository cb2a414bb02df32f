"""Recognise audio files of any rate and format, one line `file<TAB>words` each.

Example:
    nrsr transcribe --exp exp/no_se_seed1 recording.wav other.flac

A file of another rate than the system's is resampled, and of several channels the first is taken, or the one that
--channel names; such changes are reported on stderr. A recording longer than --piece goes through the network in
overlapping pieces, and is searched from pause to pause. A file that fails is named, the others are recognised, and the
command ends with an error.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_channel, add_piece_arguments
from nrsr.commands.decode import add_search_arguments, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the audio files, the search, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    add_search_arguments(parser)
    add_piece_arguments(parser)
    add_channel(parser)
    parser.add_argument("files", nargs="+", metavar="FILE", help="WAV, FLAC, OGG, sphere, ...")


def run(args: argparse.Namespace) -> None:
    """Print `file<TAB>words` as each file is recognised; files that fail are named at the end."""
    import nrsr
    from nrsr.data.inputs import FileInputs
    from nrsr.inference import Recogniser
    from nrsr.inference.apply import pass_over_files, report_files
    from nrsr.inference.driver import Settings
    from nrsr.inference.recogniser import ctc_output

    experiment = nrsr.load(args.exp)
    ctc_output(experiment)
    settings = settings_of(args, experiment.config)
    recogniser = Recogniser(experiment, settings, lm=args.lm, device=args.device)
    inputs = FileInputs(args.files, experiment.config["sample_rate"], args.channel)
    run = pass_over_files(recogniser, inputs, Settings.from_arguments(args))
    for name, result in run:
        print(f"{name}\t{result.values['text']}", flush=True)
    report_files(run)
