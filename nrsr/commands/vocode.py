"""Turn mel features into waveforms by a vocoder.

Example:
    nrsr vocode --exp exp/melgan_seed1 scp:data/test/feats.scp exp/melgan_seed1/vocode_test
    nrsr vocode --exp exp/melgan_seed1 --wav-files --device cuda --batch-size 16 scp:tts/feats.scp waves
    nrsr vocode --config conf/griffin_lim.yaml scp:data/test/feats.scp exp/griffin_lim_once/vocode_test

--exp names a trained experiment. A vocoder that needs no training, such as nrsr.systems.GriffinLim, is applied by its
--config alone. The features are Kaldi matrices as `nrsr make-feats` stores them, not normalised; where feats.yaml
beside the list says what they are, they must be those of the vocoder. OUT gets wav.ark and wav.scp, and becomes a data
directory where the list is in one. A sample depends on few frames, and long features go through the network in parts
with all frames that they depend on: the memory is that of a part, and the waveform that of the whole. The last line
printed has the real-time factor; OUT/vocode.log lists times and remarks. Utterances that fail are listed in OUT/skipped
while the others are written, and the command ends with an error.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_system_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The vocoder, the features, the folder for waveforms, and how to run."""
    add_system_arguments(parser)
    parser.add_argument("features", metavar="scp:FILE", help="list of the features")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write into")
    parser.add_argument("--wav-files", action="store_true", help="write OUT/wav/UTTERANCE.wav in place of an ark")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="worker processes of one thread each (1)")
    parser.add_argument("--batch-size", type=int, default=1, metavar="N", help="utterances in a batch, for a GPU (1)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs (cpu)")
    parser.add_argument("--allow-pipes", action="store_true", help="run commands in the list")


def run(args: argparse.Namespace) -> None:
    """Write the waveforms and OUT/vocode.log, and print how many utterances were processed."""
    import functools

    from nrsr.config import load_yaml
    from nrsr.data.mel_inputs import MelInputs
    from nrsr.inference.application import ApplyError, SystemOutputs, of_config, of_experiment
    from nrsr.inference.driver import Settings
    from nrsr.inference.vocode import vocode
    from nrsr.kaldi.specifiers import READ_OPTIONS, TableError, split_specifier
    from nrsr.systems import system_class

    kinds, _, scp = split_specifier(args.features, READ_OPTIONS)
    if kinds != ["scp"]:
        raise TableError(f"{args.features!r}: give the list of the features, as scp:{scp.removesuffix('.ark')}.scp")
    if args.exp is not None:
        make, name = functools.partial(of_experiment, SystemOutputs, args.exp, ["wav"], args.device), args.exp
    else:
        content = load_yaml(args.config)
        if not issubclass((kind := system_class(content)).reads, MelInputs):
            raise ApplyError(
                f"{args.config}: {kind.__name__} takes no mel features; apply it with nrsr apply --config {args.config}"
            )
        make = functools.partial(of_config, SystemOutputs, args.config, content, ["wav"], args.device)
        name = args.config
    settings = Settings(args.nj, args.batch_size, reading={"allow_pipes": args.allow_pipes})
    head = [f"vocoder {name}, {args.device}"]
    print(f"{args.out}: " + vocode(make, Path(scp), args.out, settings, files=args.wav_files, head=head))
