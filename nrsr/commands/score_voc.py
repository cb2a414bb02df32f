"""Compute MCD, M-STFT, log-F0 RMSE, voicing errors, PESQ and STOI of vocoded speech, with 95 % intervals, by speaker.

Example:
    nrsr score-voc --data data/test --estimates exp/a_seed1/vocode_test --out exp/a_seed1/vocode_test/score
    nrsr score-voc --data data/test --estimates exp/a/vocode_test --versus exp/b/vocode_test --metrics mcd,pesq

DATA is the data directory whose mel features were vocoded, DIR a folder of nrsr vocode. A vocoder outputs whole frames:
signals may differ in length by up to 50 ms, and the longer one is cut. MCD and F0 are WORLD's and need the library
pyworld; what needs a library that is missing is left out, and a line says so. OUT gets scores.txt (tables), scores.json
(the same for programs) and scores.tsv (a row for each utterance), which `nrsr report --metric` reads.
"""

import argparse
import sys
from pathlib import Path

from nrsr.arguments import draws, names, seed_number
from nrsr.commands.score import score
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.choice import signal_metrics

METRICS = ("mcd", "mstft", "logf0_rmse", "vuv_error", "pesq", "stoi")
TOLERANCE = 0.05  # seconds, more than a frame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The original and the vocoded signals, those of another vocoder, and the metrics."""
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory with the original speech")
    parser.add_argument("--estimates", required=True, metavar="DIR", help="folder of nrsr vocode")
    parser.add_argument("--metrics", type=names, metavar="NAME,...", help=f"({','.join(METRICS)})")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for scores.txt, scores.json and scores.tsv")
    parser.add_argument("--versus", metavar="DIR2", help="folder of another vocoder, for a paired comparison")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print each metric with intervals, in all and by speaker, and write them to --out."""
    metrics, remark = signal_metrics(args.metrics, METRICS, "--metrics")
    if remark:
        print(f"nrsr score-voc: {remark}", file=sys.stderr)
    args.metric = [metric.name for metric in metrics]
    args.ref, args.hyp = f"{args.data}/wav.scp", f"{args.estimates}/wav.scp"
    args.versus = f"{args.versus}/wav.scp" if args.versus else None
    score(args, metrics, "nrsr score-voc", TOLERANCE)
