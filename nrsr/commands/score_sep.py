"""Compute SI-SNR, SDR, PESQ and STOI of separated speakers and improvement, with 95 % intervals, by noise and SNR.

Example:
    nrsr score-sep --data data/test --estimates exp/a/separate_test --out exp/a/separate_test/score
    nrsr score-sep --data data/test --estimates exp/a/separate_test --versus exp/b/separate_test --measures si_snr,sdr

DATA is a data directory of mixtures (wav.scp, spk1.scp, spk2.scp, ...), DIR a folder of nrsr separate with as many
spk1.scp, spk2.scp, ..., in any order: that with the highest mean SI-SNR is taken, for all measures. Improvement is
against the mixture, whose own scores are kept in DATA/mixture_scores.tsv. OUT gets sep.txt (tables), sep.json (the same
for programs) and scores.tsv (a row for each speaker). PESQ and STOI need the libraries pesq and pystoi; without them,
they are left out, and a line says so.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nrsr.arguments import draws, names, seed_number
from nrsr.folders import making
from nrsr.listing import shown
from nrsr.scoring import compare_tables, summarise
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.choice import signal_metrics
from nrsr.scoring.metric import improvement_of
from nrsr.scoring.summary import BREAKDOWNS, TOTAL

MEASURES = ("si_snr", "sdr", "pesq", "stoi")
SHOWN = 20  # mixtures named on stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The mixtures, the estimates, those of another system, and the measures."""
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory of mixtures with their sources")
    parser.add_argument("--estimates", required=True, metavar="DIR", help="folder of nrsr separate")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for sep.txt, sep.json and scores.tsv")
    parser.add_argument("--versus", metavar="DIR", help="folder of another system, for a paired comparison")
    parser.add_argument("--measures", type=names, metavar="NAME,...", help=f"of signals ({','.join(MEASURES)})")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print each measure and its improvement over the mixture, and write them to --out."""
    from nrsr.reporting.scored_set import plain, write_set
    from nrsr.reporting.set_tables import comparison_table, set_tables
    from nrsr.scoring.separation_sets import score_separation, speakers_table

    measured, remark = signal_metrics(args.measures, MEASURES, "--measures")
    if remark:
        print(f"nrsr score-sep: {remark}", file=sys.stderr)
    wanted = [metric.name for metric in measured]
    scored = score_separation(args.data, args.estimates, wanted, args.nj)
    report(args.data, scored)
    table = speakers_table(scored, args.data)
    metrics = [column for metric in measured for column in (metric, improvement_of(metric))]
    summary = summarise(table, metrics, None, args.draws, args.seed)
    content = {"reference": args.data, "separated": args.estimates, **as_json(summary)}
    tables = set_tables(summary, metrics, {})
    if args.versus:
        versus = speakers_table(score_separation(args.data, args.versus, wanted, args.nj), args.data)
        differences = compare_tables(table, versus, metrics, args.draws, args.seed)
        content["versus"] = {"separated": args.versus, **differences}
        tables.append(comparison_table(differences, measured, args.versus))
    if args.out:
        with making(args.out, "nrsr score-sep"):
            write_set(args.out, "sep", tables, content, table)
    print(plain(tables), end="")


def as_json(summary: Mapping[str, Mapping]) -> dict[str, object]:
    """A summary as sep.json has it: group -> label -> metric -> mean, interval and mixtures that have a value."""

    def row(scores: Mapping[str, object]) -> dict[str, object]:
        return {
            name: {"mean": score["value"], "interval": score["interval"], "mixtures": score["utterances"]}
            for name, score in scores.items()
            if isinstance(score, Mapping)
        }

    groups = {
        name: {label: row(scores) for label, scores in summary[name].items()} for name in BREAKDOWNS if name in summary
    }
    return {"bootstrap": summary["bootstrap"], TOTAL: row(summary[TOTAL][""]), **groups}


def report(reference: str, scored: Sequence) -> None:
    """Name on stderr what is silent, clipped or undefined."""
    remarks = {
        "silent sources, which have no scores": [mixture.id for mixture in scored if mixture.scores.silent_sources],
        "silent estimates, which count -50 dB": [mixture.id for mixture in scored if mixture.scores.silent_estimates],
        "clipping": [mixture.id for mixture in scored if mixture.clipped],
    }
    for name in sorted({name for mixture in scored for name in mixture.scores.failed}):
        cases = [mixture for mixture in scored if name in mixture.scores.failed]
        remarks[f"undefined {name} ({cases[0].scores.failed[name]})"] = [mixture.id for mixture in cases]
    for what, ids in remarks.items():
        if ids:
            print(f"nrsr score-sep: {reference}: {len(ids)} mixtures with {what}: {shown(ids, SHOWN)}", file=sys.stderr)
