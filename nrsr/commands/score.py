"""Compute any metric of a system's outputs against a reference, with 95 % intervals, by speaker, noise and SNR.

Example:
    nrsr score --metric cer --data data/test --out exp/a/decode_test/score data/test/text exp/a/decode_test/text
    nrsr score --metric si_snr,stoi --data data/test data/test/spk1.scp exp/a/enhance_test/wav.scp
    nrsr score --metric frame_accuracy data/ali/test/ali.scp exp/a/apply_test/senones.scp
    nrsr score --metric my_task.COUNT --out exp/a/decode_test/score data/test/count exp/a/decode_test/count

REF and HYP are Kaldi lists of the same utterances; two scp files of audio for metrics of signals; or two of alignments,
such as the output `senones` of a hybrid system, for frame_accuracy. A metric is one of nrsr/scoring/metrics, or
module.NAME of a nrsr.scoring.Metric of your own. DATA has speakers, noises, noise recordings and SNRs. OUT gets
scores.txt (tables), scores.json (the same for programs) and scores.tsv (a row for each utterance), which `nrsr report
--metric` reads.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nrsr.arguments import draws, names, seed_number
from nrsr.folders import making
from nrsr.reporting.scored_set import flat, plain, write_set
from nrsr.reporting.set_tables import comparison_table, set_tables
from nrsr.scoring import (
    Metric,
    ScoringError,
    compare_tables,
    find_metric,
    read_labels,
    read_texts,
    score_texts,
    summarise,
)
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.metric import missing_libraries
from nrsr.scoring.summary import TOTAL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The metrics, reference, hypotheses, and labels to group by."""
    parser.add_argument("ref", metavar="REF", help="list or scp of the reference")
    parser.add_argument("hyp", metavar="HYP", help="list or scp of the system's outputs")
    parser.add_argument("--metric", type=names, required=True, metavar="NAME,...", help="metrics, the main one first")
    parser.add_argument("--data", metavar="DIR", help="data directory that the system was applied to")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for scores.txt, scores.json, scores.tsv")
    parser.add_argument("--versus", metavar="HYP2", help="outputs of another system, for a paired comparison")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes for metrics of signals (%(default)s)")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print the metrics with intervals by each label, and write them to --out."""
    metrics = [find_metric(name) for name in args.metric]
    if missing := missing_libraries(metrics):
        raise ScoringError(f"--metric {','.join(args.metric)}: {' and '.join(missing)} not installed; pip install it")
    if len({metric.takes for metric in metrics}) > 1:
        raise ScoringError(f"--metric {','.join(args.metric)}: some compare texts, some others; score them one by one")
    score(args, metrics)


def score(
    args: argparse.Namespace, metrics: Sequence[Metric], command: str = "nrsr score", tolerance: float = 0.0
) -> None:
    """Score the hypotheses of a command line by its metrics, print the tables and write them to --out.

    Args:
        command: for messages.
        tolerance: seconds that signals may differ in length.
    """
    hypotheses = [args.hyp] + ([args.versus] if args.versus else [])
    if metrics[0].takes == "waves":
        from nrsr.scoring.waves import read_waves, score_waves

        reference, *outputs = read_waves(args.ref, *hypotheses)
        labels = read_labels(args.data, reference)
        tables = [score_waves(reference, output, labels, args.metric, args.nj, tolerance) for output in outputs]
    elif metrics[0].takes == "frames":
        from nrsr.scoring.frames import read_frames, score_frames

        (reference, *outputs), notes = read_frames(args.ref, *hypotheses)
        for note in notes:
            print(f"{command}: {note}", file=sys.stderr)
        labels = read_labels(args.data, reference)
        tables = [score_frames(reference, output, labels, metrics) for output in outputs]
    else:
        reference, *outputs = read_texts(args.ref, *hypotheses)
        labels = read_labels(args.data, reference)
        tables = [score_texts(reference, output, labels, metrics) for output in outputs]
    table = tables[0]
    summary = summarise(table, metrics, None, args.draws, args.seed)
    content = {"reference": args.ref, "hypotheses": args.hyp} | flat(summary, metrics)
    for metric in metrics:
        if lacking := len(table) - summary[TOTAL][""][metric.name]["utterances"]:
            print(
                f"{command}: {args.hyp}: {lacking} of {len(table)} utterances have no {metric.title}", file=sys.stderr
            )
    comparisons = []
    for versus in tables[1:]:
        differences = compare_tables(table, versus, metrics, args.draws, args.seed)
        comparisons.append(comparison_table(differences, metrics, args.versus))
        content["versus"] = {"hypotheses": args.versus, **differences}
    if args.out:
        with making(args.out, command):
            write_set(args.out, "scores", set_tables(summary, metrics, {}, speakers=True) + comparisons, content, table)
    print(plain(set_tables(summary, metrics, {}) + comparisons), end="")
