"""Recognise the utterances of a data directory.

Example:
    nrsr decode --exp exp/no_se_seed1 --data data/test_seen --out exp/no_se_seed1/decode_test_seen --nj 2
    nrsr decode --exp exp/joint --data data/test --out exp/joint/decode_lm --method joint --lm exp/lm/3gram.arpa

Writes OUT/text and OUT/decode.log. Options that are not given come from `decoding` in the experiment's config.
"""

import argparse
from pathlib import Path
from typing import Any

from nrsr.decoding.settings import METHODS, DecodingSettings


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say how to search; `transcribe` has them too."""
    parser.add_argument("--method", choices=METHODS, help="best CTC path, CTC prefix beam, or CTC and attention")
    parser.add_argument("--beam", type=int, metavar="N", help="hypotheses kept (60)")
    parser.add_argument("--lm", type=Path, metavar="ARPA", help="language model over words, or over the units")
    parser.add_argument("--lm-weight", type=float, metavar="W", help="weight of its natural logarithm (0.3)")
    parser.add_argument("--word-score", type=float, metavar="S", help="added for each word of a word LM (0)")
    parser.add_argument("--ctc-weight", type=float, metavar="W", help="share of CTC in the joint method (0.3)")
    parser.add_argument("--length-penalty", type=float, metavar="S", help="added for each unit, joint method (0)")


def settings_of(args: argparse.Namespace, config: dict[str, Any]) -> DecodingSettings:
    """The config's settings, with those of the command line put over them."""
    given = vars(args)
    return DecodingSettings.from_config(
        config, {name: given.get(name) for name in DecodingSettings.__dataclass_fields__}
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder for the hypotheses")
    add_search_arguments(parser)
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="worker processes of one thread each (1)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="utterances in a batch (16)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs (cpu)")
    parser.add_argument("--write-loglikes", action="store_true", help="also write CTC log-likelihoods, OUT/loglikes.*")
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that stand in wav.scp")


def run(args: argparse.Namespace) -> None:
    from nrsr.decoding import DecodingJob, decode_data
    from nrsr.kaldi import DataDir
    from nrsr.training.experiment import load_config

    settings = settings_of(args, load_config(args.exp))
    job = DecodingJob(args.exp, settings, args.lm, args.device, args.write_loglikes)
    print(decode_data(job, DataDir(args.data), args.out, nj=args.nj, allow_pipes=args.allow_pipes))
