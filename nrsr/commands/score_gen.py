"""Score generated utterances by a classifier of their corpus: inception score, Fréchet distance, accuracy, copies.

Example:
    nrsr score-gen --classifier exp/classifier --data exp/wavegan_seed1/generate_words --train data/train \\
        --held-out data/test --out exp/wavegan_seed1/generate_words/score
    nrsr score-gen --classifier exp/classifier --data data/test --train data/train --held-out data/dev

DATA is a data directory of nrsr generate, or one of real utterances for comparison. The classifier is an experiment of
nrsr.systems.Classifier, trained on TRAIN or on other utterances of its corpus. Scores are the inception score and the
Fréchet distance to TRAIN on the classifier's last hidden layer, both a mean over --splits; the accuracy of the labels
where DATA has the list that the classifier learnt from; and, for up to 1000 utterances, distances of log-mel
spectrograms: to the nearest utterance of TRAIN over what is usual between HELD and TRAIN, and to the others of the
class over what is usual in TRAIN. Utterances much nearer to TRAIN than any of HELD are named as copies. OUT gets
scores.txt, scores.json and scores.tsv (what each utterance contributes), which `nrsr report` reads.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from nrsr.arguments import draws, seed_number
from nrsr.folders import making
from nrsr.scoring import find_metric, summarise
from nrsr.scoring.bootstrap import DRAWS, SEED

SHOWN = 20  # copies named on stderr
POOR = 50.0  # accuracy in % under which a classifier is doubted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The classifier, the generated and the real utterances."""
    parser.add_argument("--classifier", required=True, type=Path, metavar="EXP", help="experiment of a classifier")
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory to score")
    parser.add_argument("--train", required=True, metavar="TRAIN", help="real utterances that were trained on")
    parser.add_argument("--held-out", required=True, metavar="HELD", help="real utterances that were not")
    parser.add_argument("--splits", type=splits, default=10, metavar="N", help="of both scores (%(default)s)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for scores.txt, scores.json and scores.tsv")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def splits(text: str) -> int:
    """A number of splits from 1."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of splits; take a whole one from 1, as 10")
    return int(text)


def run(args: argparse.Namespace) -> None:
    """Print the scores with intervals, name copies, and write them to --out."""
    from nrsr.experiment.folder import load
    from nrsr.reporting.scored_set import flat, plain, write_set
    from nrsr.reporting.set_tables import set_tables
    from nrsr.scoring.generated import METRICS, SetScorer

    scorer = SetScorer(load(args.classifier), args.train, args.held_out)
    scored = scorer.score(args.data, args.splits)
    metrics = [find_metric(name) for name in METRICS]
    summary = summarise(scored.table, metrics, None, args.draws, args.seed)
    content = {"data": args.data, "train": args.train, "held_out": args.held_out, "splits": args.splits}
    content |= {"classifier_accuracy": scorer.accuracy, "inception_deviation": scored.inception_deviation}
    content |= {"copies": scored.copies, **flat(summary, metrics)}
    first, *others = set_tables(summary, metrics, {})
    notes = [
        f"Standard deviation of the inception score over its splits: {scored.inception_deviation:.2f}.",
        f"The classifier recognises {scorer.accuracy:.1f} % of {args.train}.",
    ]
    tables = [replace(first, notes=[*first.notes, *notes]), *others]
    if scorer.accuracy < POOR:
        print(
            f"nrsr score-gen: {args.classifier} recognises {scorer.accuracy:.1f} % of {args.train}: it is poor, or of "
            "another corpus; the scores mean little",
            file=sys.stderr,
        )
    for name, copied in list(scored.copies.items())[:SHOWN]:
        print(f"nrsr score-gen: {args.data}: {name} is a copy of {copied}", file=sys.stderr)
    if len(scored.copies) > SHOWN:
        print(f"nrsr score-gen: {args.data}: {len(scored.copies)} copies in all", file=sys.stderr)
    if args.out:
        with making(args.out, "nrsr score-gen"):
            write_set(args.out, "scores", tables, content, scored.table)
    print(plain(tables), end="")
