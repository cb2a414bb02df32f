"""Train a system; the same command resumes a killed training, and leaves a finished experiment unchanged.

Example:
    nrsr make-units --config conf/asr.yaml data/train/text exp/asr/units
    nrsr compute-cmvn --config conf/asr.yaml --out exp/asr/statistics.ark data/train
    nrsr train --config conf/asr.yaml --train data/train --dev data/dev --exp exp/asr --seed 1
"""

import argparse
from pathlib import Path
from typing import Any

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
    from nrsr.training.finished import is_finished

    config = load_yaml(args.config, args.set)
    seed = args.seed if args.seed is not None else config.get("seed", 0)
    if is_finished(Path(args.exp), {**config, "seed": seed}, {"train": args.train, "dev": args.dev}):
        return
    if "decoding" in config:
        check_decoding(config)
    from nrsr.training.run import run_training

    run_training(config, seed, args.train, args.dev, args.units, args.exp, allow_pipes=args.allow_pipes)


def check_decoding(config: dict[str, Any]) -> None:
    """Refuse a `decoding` that nrsr decode would refuse after the training.

    Raises:
        ConfigError: a key that is not known, or a value of another type.
    """
    from nrsr.data.frames import FrameDataset
    from nrsr.inference.graph_search import HybridSettings
    from nrsr.inference.settings import DecodingSettings
    from nrsr.systems import system_class

    system = system_class(config)
    if issubclass(system.data, FrameDataset):
        HybridSettings.from_config(config, {})
    elif system.needs_units:
        DecodingSettings.from_config(config, {})
