"""Enhance the waveforms of a data directory, or of audio files, by a front-end.

Example:
    nrsr enhance --exp exp/mtl_seed1 --data data/test_seen --out data/test_seen_enhanced
    nrsr enhance --config conf/wiener.yaml --data data/test_seen --out exp/wiener/enhance_test_seen
    nrsr enhance --exp exp/segan_seed1 --out enhanced meeting.wav other.flac
    nrsr enhance --exp exp/segan_seed1 --set system.frontend.overlap_add=true --data data/test --out enhanced_test

--exp names a trained experiment. A front-end that needs no training is applied by its --config alone; a config without
`sample_rate` takes that of DATA, or of the first file. --set changes keys of `system` that the weights of a trained
experiment do not depend on; OUT/enhance.log names them.

With --data, OUT becomes a data directory: wav.ark and wav.scp, with copies of the lists that stay valid; with files,
OUT gets NAME.wav of each, at the rate of the front-end. A recording longer than --piece is enhanced in pieces, which
are cross-faded where they overlap, so the network's memory does not grow with its length. The last line is the
real-time factor.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_running_arguments, add_system_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The front-end, the noisy speech as a data directory or as files, the folder for enhanced speech, how to run."""
    add_system_arguments(parser)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config, as system.KEY"
    )
    parser.add_argument("--data", help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    add_running_arguments(parser)
    parser.add_argument("files", nargs="*", metavar="FILE", help="WAV, FLAC, OGG, sphere, ... instead of --data")


def run(args: argparse.Namespace) -> None:
    """Write enhanced waveforms (and OUT/enhance.log), and print how many there are and the real-time factor."""
    from nrsr.data.inputs import FileInputs
    from nrsr.inference.application import ApplyError, outputs_of
    from nrsr.inference.apply import apply_data, apply_files
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir
    from nrsr.kaldi.audio import audio_header

    if (args.data is None) == (not args.files):
        raise ApplyError("give either --data or audio files")
    for change in args.set:
        if not change.startswith("system."):
            raise ApplyError(f"--set {change}: enhancing takes the config's system alone; give system.KEY=VALUE")
    settings = Settings.from_arguments(args)
    if args.files:
        make, _ = outputs_of(
            args.exp, args.config, lambda: audio_header(args.files[0]).rate, ["wav"], args.device, args.set
        )
        inputs = FileInputs(args.files, (application := make()).outputs["wav"].rate, args.channel)
        print(apply_files(application, inputs, args.out, settings, command="enhance"))
        return
    data = DataDir(args.data, channel=args.channel)
    make, name = outputs_of(
        args.exp, args.config, lambda: data.waves(allow_pipes=args.allow_pipes).rate(), ["wav"], args.device, args.set
    )
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, command="enhance", head=[name]))
