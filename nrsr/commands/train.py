"""Train a system; the same command resumes a killed training, and leaves a finished experiment unchanged.

Example:
    nrsr make-units --config conf/asr.yaml data/train/text exp/asr/units
    nrsr compute-cmvn --config conf/asr.yaml --out exp/asr/statistics.ark data/train
    nrsr train --config conf/asr.yaml --train data/train --dev data/dev --exp exp/asr --seed 1
"""

import argparse

from nrsr.config import load_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The config, the data directories, the experiment folder and the seed."""
    parser.add_argument("--config", required=True, help="YAML file of the experiment")
    parser.add_argument("--train", required=True, metavar="DATA", help="data directory to train on")
    parser.add_argument("--dev", required=True, metavar="DATA", help="data directory to validate on")
    parser.add_argument("--units", metavar="DIR", help="folder of nrsr make-units, for recognisers (units/ in EXP)")
    parser.add_argument("--exp", required=True, metavar="DIR", help="experiment folder, with statistics.ark in it")
    parser.add_argument("--seed", type=int, help="seed of initialisation and data order (the config's seed, or 0)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that wav.scp may hold")


def run(args: argparse.Namespace) -> None:
    """Train, or resume a killed run, and write EXP/model.pt at the end."""
    from nrsr.training.run import run_training

    config = load_yaml(args.config, args.set)
    seed = args.seed if args.seed is not None else config.get("seed", 0)
    run_training(config, seed, args.train, args.dev, args.units, args.exp, allow_pipes=args.allow_pipes)
