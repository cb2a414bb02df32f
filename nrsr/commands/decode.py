"""Recognise the utterances of a data directory.

Example:
    nrsr decode --exp exp/no_se_seed1 --data data/test_seen --out exp/no_se_seed1/decode_test_seen --nj 2
    nrsr decode --exp exp/joint --data data/test --out exp/joint/decode_lm --method joint --lm exp/lm/3gram.arpa
    nrsr decode --exp exp/dnn --data data/test --out exp/dnn/decode_test --graph exp/tri/graph \\
        --acoustic-scale 0.05,0.1,0.2 --dev data/dev

Writes OUT/text and OUT/decode.log. Options that are not given come from `decoding` in the experiment's config. A hybrid
system, or a GMM's folder as --exp, reads the features of DATA and needs a graph, or --write-loglikes alone for Kaldi's
decoders. Of several acoustic scales it uses the one with the fewest word errors on --dev, and writes it to
OUT/acoustic_scale. A recording longer than --piece goes through the network in overlapping pieces. Utterances that fail
are listed in OUT/skipped while the others are recognised, and the command ends with an error.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nrsr.arguments import add_running_arguments
from nrsr.errors import NrsrError
from nrsr.inference.settings import METHODS, DecodingSettings

if TYPE_CHECKING:
    from nrsr.experiment.folder import Experiment

OF_CTC = ("method", "lm", "lm_weight", "word_score", "ctc_weight", "length_penalty", "channel")
OF_GRAPHS = ("acoustic_scale", "beam", "max_active", "dev")
OF_HYBRIDS = ("graph", "acoustic_scale", "max_active", "dev")


class OptionError(NrsrError):
    """An option that this kind of system does not take, or that needs another option."""


def add_search_arguments(parser: argparse.ArgumentParser, beam: str = "hypotheses to keep (60)") -> None:
    """The options that say how to search; `transcribe` has them too, but no graph. `beam` is the help of --beam."""
    parser.add_argument("--method", choices=METHODS, help="best CTC path, CTC prefix beam, or CTC and attention")
    parser.add_argument("--beam", type=number, metavar="N", help=beam)
    parser.add_argument("--lm", type=Path, metavar="ARPA", help="language model over words or over units")
    parser.add_argument("--lm-weight", type=float, metavar="W", help="weight of the LM's log-probabilities (0.3)")
    parser.add_argument("--word-score", type=float, metavar="S", help="score to add per word, with a word LM (0)")
    parser.add_argument("--ctc-weight", type=float, metavar="W", help="weight of CTC in the joint method (0.3)")
    parser.add_argument("--length-penalty", type=float, metavar="S", help="score to add per unit, joint method (0)")


def settings_of(args: argparse.Namespace, config: dict[str, Any]) -> DecodingSettings:
    """The config's settings, replaced by those given on the command line."""
    given = vars(args)
    if isinstance(args.beam, float):
        raise OptionError(f"--beam {args.beam}: a beam of hypotheses is a whole number; that of a graph has fractions")
    return DecodingSettings.from_config(
        config, {name: given.get(name) for name in DecodingSettings.__dataclass_fields__}
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the data directory, the options of each search, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained experiment")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder for the hypotheses")
    add_search_arguments(parser, beam="hypotheses to keep (60); in a graph, costs (13)")
    parser.add_argument("--graph", type=Path, metavar="DIR", help="graph of make-graph, for a hybrid system")
    parser.add_argument("--acoustic-scale", type=scales, metavar="A,B", help="for a hybrid; several need --dev (0.1)")
    parser.add_argument("--dev", metavar="DATA", help="data with text, on which the acoustic scale is chosen")
    parser.add_argument("--max-active", type=int, metavar="N", help="most active states in a graph (7000)")
    add_running_arguments(parser)
    parser.add_argument("--write-loglikes", action="store_true", help="also write log-likelihoods, OUT/loglikes.*")


def number(text: str) -> int | float:
    """A whole number where it is one: a beam counts hypotheses in one search, and measures costs in another."""
    return int(text) if text.isdecimal() else float(text)


def scales(text: str) -> list[float]:
    """Numbers above 0 with commas between them."""
    values = [float(part) for part in text.split(",")]
    if not all(scale > 0 for scale in values):
        raise argparse.ArgumentTypeError("acoustic scales are above 0")
    return values


def run(args: argparse.Namespace) -> None:
    """Decode with the search that the system takes, refuse options of other searches, print a summary."""
    from nrsr.data.outputs import SenoneOutput
    from nrsr.experiment.folder import load
    from nrsr.inference.gmm_scores import is_gmm

    experiment = None if is_gmm(args.exp) else load(args.exp)
    is_hybrid = experiment is None or isinstance(experiment.system.outputs().get("loglikes"), SenoneOutput)
    for name in OF_CTC if is_hybrid else OF_HYBRIDS:
        if getattr(args, name) is not None:
            kind = "a hybrid system, which has no such search" if is_hybrid else "no hybrid system"
            raise OptionError(f"--{name.replace('_', '-')}: {args.exp} is {kind}; leave the option out")
    print(decode_hybrid_system(args, experiment) if is_hybrid else decode_ctc_system(args, experiment))


def decode_ctc_system(args: argparse.Namespace, experiment: "Experiment") -> str:
    """Decode by CTC, attention or both; returns a line on speed and skipped utterances."""
    from nrsr.inference.decode import decode_data
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    search = settings_of(args, experiment.config)
    options = {"lm": args.lm, "device": args.device, "loglikes": args.write_loglikes}
    settings = Settings.from_arguments(args, search.batch_size)
    return decode_data(experiment, search, DataDir(args.data, channel=args.channel), args.out, settings, **options)


def decode_hybrid_system(args: argparse.Namespace, experiment: "Experiment | None") -> str:
    """Decode a hybrid system or a GMM in a graph; returns a line on speed and skipped utterances."""
    from nrsr.inference.decode_graph import decode_with_graph
    from nrsr.inference.driver import Settings
    from nrsr.inference.graph_search import HybridSettings
    from nrsr.kaldi import DataDir

    tried = args.acoustic_scale or []
    if args.graph is None and not args.write_loglikes:
        raise OptionError("a hybrid system needs --graph, a folder of nrsr make-graph, or --write-loglikes alone")
    if args.graph is None and (given := [name for name in OF_GRAPHS if getattr(args, name) is not None]):
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise OptionError(f"{names}: without --graph nothing is searched; give it, or leave these options out")
    if (len(tried) > 1) != (args.dev is not None):
        raise OptionError("--dev and several scales go together: --acoustic-scale 0.05,0.1,0.2 --dev DATA")
    scale = tried[0] if len(tried) == 1 else None
    given = {"acoustic_scale": scale, "beam": args.beam, "max_active": args.max_active, "batch_size": args.batch_size}
    search = HybridSettings.from_config({} if experiment is None else experiment.config, given)
    options = {
        "graph": args.graph,
        "dev": None if args.dev is None else DataDir(args.dev),
        "scales": tried,
        "device": args.device,
        "loglikes": args.write_loglikes,
    }
    settings = Settings.from_arguments(args, search.batch_size)
    return decode_with_graph(args.exp, search, DataDir(args.data, channel=args.channel), args.out, settings, **options)
