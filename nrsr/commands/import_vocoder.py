"""Make an experiment of a public checkpoint of a vocoder, to be applied or to start a training from.

Example:
    nrsr import-vocoder --config conf/parallel_wavegan.yaml --statistics stats.npy --out exp/pwg checkpoint.pkl
    nrsr import-vocoder --config conf/hifigan_v1.yaml --out exp/hifigan g_02500000 do_02500000
    nrsr import-vocoder --config conf/melgan.yaml --out exp/melgan netG.pt netD.pt

Reads checkpoints of the package parallel-wavegan (MelGAN, Parallel WaveGAN, HiFi-GAN), and those of the authors of
MelGAN and HiFi-GAN; the names of their weights say which it is. The config must have the sizes of the checkpoint and
the mel features that it was trained on, which no checkpoint records; the published ones are those of egs/ljspeech/voc.
Checkpoints are read without running code, and every weight must find its place. A vocoder that normalises its features
needs their mean and scale, stats.npy [2, bands] of parallel-wavegan; mean and scale of a stats.h5 are to be saved in
that form. OUT/imported.txt says what came from where.
"""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The config, the checkpoints and the folder to make."""
    parser.add_argument("checkpoints", nargs="+", type=Path, metavar="FILE", help="generator, perhaps discriminator")
    parser.add_argument("--config", required=True, help="YAML file of the vocoder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--statistics", type=Path, metavar="FILE", help="mean and scale of the features, .npy")
    parser.add_argument("--out", required=True, type=Path, metavar="EXP", help="experiment to make")


def run(args: argparse.Namespace) -> None:
    """Write OUT with config.yaml, model.pt and imported.txt, and print what came from where."""
    from nrsr.config import ConfigError, load_yaml
    from nrsr.experiment.checkpoint import save_checkpoint
    from nrsr.experiment.frozen import checksum
    from nrsr.experiment.public_vocoder import import_public
    from nrsr.files import atomic_open
    from nrsr.folders import making
    from nrsr.systems import build_system
    from nrsr.systems.gan_vocoder import GanVocoder
    from nrsr.training.descriptions import write_descriptions

    config = load_yaml(args.config, args.set)
    system = build_system(config)
    if not isinstance(system, GanVocoder):
        raise ConfigError(
            f"{args.config}: {type(system).__name__} is no vocoder that is trained; name a vocoder's config"
        )
    notes = import_public(system, args.checkpoints, args.statistics)
    if system.discriminator is None:
        config["system"]["discriminator"] = None
    files = [*args.checkpoints, *([args.statistics] if args.statistics else [])]
    with making(args.out, "nrsr import-vocoder"):
        write_descriptions(args.out, config, None, {})
        save_checkpoint(args.out / "model.pt", {"model": system.state_dict()})
        with atomic_open(args.out / "imported.txt") as stream:
            stream.writelines(f"{note}\n" for note in notes)
            stream.writelines(f"sha256 of {file}: {checksum(file)}\n" for file in files)
    print("\n".join(notes), file=sys.stderr)
    print(f"{args.out}: {type(system).__name__} of {', '.join(map(str, args.checkpoints))}")
