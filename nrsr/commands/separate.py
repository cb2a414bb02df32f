"""Separate the speakers of a data directory's mixtures, or of audio files.

Example:
    nrsr separate --exp exp/unified_2mix_seed1 --data data/test_seen --out exp/unified_2mix_seed1/separate_test_seen
    nrsr separate --exp exp/unified_2mix_seed1 --out separated meeting.wav other.flac

With --data, OUT gets spk1.ark and spk1.scp, spk2.ark and spk2.scp, ..., and copies of the lists that stay valid; with
files, OUT/NAME_spk1.wav and so on. A recording longer than --piece is separated in pieces, whose speakers are put in
order by their overlap, so memory does not grow with its length. The last line is the real-time factor.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nrsr.arguments import add_running_arguments

if TYPE_CHECKING:
    from nrsr.data.inputs import FileInputs
    from nrsr.inference.application import SystemOutputs
    from nrsr.inference.driver import Settings


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
    from nrsr.inference.apply import apply_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    if (args.data is None) == (not args.files):
        raise ApplyError("give either --data or audio files")
    make = functools.partial(of_experiment, SystemOutputs, args.exp, ["spk"], args.device)
    settings = Settings.from_arguments(args, batch_size=1)  # mixtures are long, and no faster together
    if args.files:
        inputs = FileInputs(args.files, (application := make()).outputs["spk"].rate, args.channel)
        print(separate_files(application, inputs, args.out, settings))
    else:
        how = {"command": "separate", "head": [f"experiment {args.exp}, {args.device}"]}
        print(f"{args.out}: " + apply_data(make, DataDir(args.data, channel=args.channel), args.out, settings, **how))


def separate_files(application: "SystemOutputs", inputs: "FileInputs", out: Path, settings: "Settings") -> str:
    """Separate audio files into out/NAME_spk1.wav, out/NAME_spk2.wav, ... (16 bits, at the system's rate).

    Raises:
        ApplyError: two files of one name, or files that failed; the others are written.
    """
    from nrsr.folders import making
    from nrsr.inference.application import ApplyError
    from nrsr.inference.apply import pass_over_files, report_files

    stems = [Path(name).stem for name in inputs]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise ApplyError(f"{', '.join(twice)}: several files of one name; separate them into folders of their own")
    run, output = pass_over_files(application, inputs, settings), application.outputs["spk"]
    with making(out, "nrsr separate"):
        for name, result in run:
            if output.save(result.values["spk"], out, f"{Path(name).stem}_spk"):
                print(f"{name}: its speakers were scaled down to fit 16 bits", file=sys.stderr)
    report_files(run)
    return f"{out}: {run.speed('files')}"
