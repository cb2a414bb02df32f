"""Write the tables of a results file from the scored separation experiments of a folder, and print them.

Example:
    nrsr report-sep --exp egs/fsdd/sep/exp/full_2mix --baseline unified_2mix --out egs/fsdd/sep/RESULTS.md

Reads EXP/<system>[_fold<F>]_seed<S>/separate_<set>/score/utterances.tsv, which `nrsr score-sep --out` wrote, and where
separated speakers were recognised (`nrsr split-speakers`, decode, score-wer), decode_<set>/score/utterances.tsv beside
it. Replaces what stands between the two marks `<!-- nrsr report: begin -->` and `<!-- nrsr report: end -->` of the
results file.
"""

import argparse
import sys

from nrsr.commands.report import names, parameters, trained_with
from nrsr.commands.score_wer import draws
from nrsr.reporting.provenance import provenance
from nrsr.reporting.results_file import write_results
from nrsr.reporting.separation_results import separation_results, speaker_word_tables
from nrsr.scoring.bootstrap import DRAWS
from nrsr.scoring.separation_runs import SeparationRun, find_separation_runs, pool_separation
from nrsr.scoring.speaker_words import pool_speaker_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, metavar="DIR", help="folder that holds the experiments")
    parser.add_argument("--sets", type=names, default="test_seen,test_unseen", help="(%(default)s)")
    parser.add_argument("--baseline", required=True, metavar="SYSTEM", help="what other systems are compared with")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--out", metavar="FILE", help="results file, for example RESULTS.md")


def run(args: argparse.Namespace) -> None:
    runs, left_out = find_separation_runs(args.exp, args.sets)
    for name in left_out:
        print(
            f"nrsr report-sep: {args.exp}/{name} is left out: it is not named <system>[_fold<F>]_seed<S>",
            file=sys.stderr,
        )
    pooled = pool_separation(runs, args.sets, args.baseline, args.draws)
    tables = separation_results(pooled, measured(runs), args.baseline)
    if words := pool_speaker_words(args.exp, args.sets, args.baseline, args.draws):
        tables += speaker_word_tables(words)
    origin = f"Measured: tables of {provenance()}; {trained_with(runs)}."
    if args.out:
        write_results(args.out, "\n".join([origin, "", *(table.markdown() for table in tables)]))
    # The overview last, so that a recipe ends with it.
    print("\n".join([origin + "\n", *(table.plain() for table in reversed(tables))]), end="")


def measured(runs: list[SeparationRun]) -> dict[str, dict]:
    """Size, seeds and folds of each system."""
    found: dict[str, dict] = {}
    for one in runs:
        own = found.setdefault(one.system, {"parameters": parameters(one.path), "runs": 0, "seeds": [], "folds": []})
        own["runs"] += 1
        for name, value in (("seeds", one.seed), ("folds", one.fold)):
            if value is not None and value not in own[name]:
                own[name].append(value)
    return found
