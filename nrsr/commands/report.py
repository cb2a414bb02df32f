"""Write the tables of a results file from the scored experiments of a folder, and print them.

Example:
    nrsr report --exp egs/mini/asr/exp/full --baseline no_se --out egs/mini/asr/RESULTS.md

Reads EXP/<system>[_fold<F>]_seed<S>/decode_<set>/score/utterances.tsv, which `nrsr score-wer --out` wrote, and
probe.json of `nrsr probe` where it stands in decode_<set>. A system that is trained once for all seeds is named
<system>[_fold<F>]_once. Replaces what stands between the two marks
`<!-- nrsr report: begin -->` and `<!-- nrsr report: end -->` of the results file.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nrsr.commands.score_wer import draws
from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.revision import short
from nrsr.reporting.config_differences import config_differences
from nrsr.reporting.figure import draw_wer_over_snr
from nrsr.reporting.gradient_figure import draw_gradients
from nrsr.reporting.probe_table import probe_table
from nrsr.reporting.provenance import provenance
from nrsr.reporting.results import results_tables
from nrsr.reporting.results_file import write_results
from nrsr.scoring.bootstrap import DRAWS
from nrsr.scoring.experiments import Run, find_runs
from nrsr.scoring.pooling import pool_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exp", required=True, metavar="DIR", help="folder that holds the experiments")
    parser.add_argument("--sets", type=names, default="test_clean,test_seen,test_unseen", help="(%(default)s)")
    parser.add_argument(
        "--baseline",
        type=names,
        default="no_se",
        metavar="A,B",
        help="systems that all others are compared with    (%(default)s)",
    )
    parser.add_argument(
        "--primary",
        type=names,
        default="-5,0,5",
        help="SNRs (dB) of the primary figure (%(default)s)",
    )
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--out", metavar="FILE", help="results file, for example RESULTS.md")
    parser.add_argument("--figure", metavar="FILE", help="draw WER over SNR into this png, pdf or svg")
    parser.add_argument("--gradients", metavar="FILE", help="draw angles and conflicts of the gradients over epochs")


def names(text: str) -> list[str]:
    """A list parted by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def run(args: argparse.Namespace) -> None:
    runs, left_out = find_runs(args.exp, args.sets)
    for name in left_out:
        note(f"{args.exp}/{name} is left out: it is not named <system>[_fold<F>]_seed<S> or ..._once")
    pooled = pool_runs(runs, args.sets, args.baseline, args.primary, args.draws)
    describe(pooled, runs)
    tables = results_tables(pooled)
    if probes := probe_table(by_system(runs)):
        tables.insert(1, probes)
    origin = f"Measured: tables of {provenance()}; {trained_with(runs)}."
    if args.out:
        write_results(args.out, "\n".join([origin, "", *(table.markdown() for table in tables)]))
    if args.figure and not draw_wer_over_snr(pooled, args.figure):
        note(f"{args.figure} is not drawn: no test set has SNRs")
    if args.gradients and not draw_gradients(by_system(runs), args.gradients):
        note(f"{args.gradients} is not drawn: no training logged angles (gradients: Remedy, MeasuredSum, ... do)")
    # The overview last, so that a recipe ends with it.
    print("\n".join([origin + "\n", *(table.plain() for table in reversed(tables))]), end="")


def by_system(runs: Sequence[Run]) -> dict[str, list[Path]]:
    """The folders of each system's runs."""
    found: dict[str, list[Path]] = {}
    for one in runs:
        found.setdefault(one.system, []).append(one.path)
    return found


def note(text: str) -> None:
    print(f"nrsr report: {text}", file=sys.stderr)


def describe(pooled: dict[str, Any], runs: Sequence[Run]) -> None:
    """Add to the figures what tells the systems' configs apart, and their numbers of parameters."""
    configs: dict[str, dict[str, Any]] = {}
    for one in runs:
        path = one.path / "config.yaml"
        if not path.is_file():
            note(f"{path} is missing: settings of {one.path.name} are not compared")
        elif one.system not in configs:
            configs[one.system] = load_yaml(path)
            pooled["systems"][one.system]["parameters"] = parameters(one.path)
        elif changed := config_differences({"first": configs[one.system], "this": load_yaml(path)}):
            note(f"{path}: {', '.join(changed)} differs from other runs of {one.system}; give the variant a --tag")
    in_order = {system: configs[system] for system in pooled["systems"] if system in configs}
    pooled["config_differences"] = config_differences(in_order)


def parameters(experiment: Path) -> int | None:
    """Number of trained values of an experiment's system; None, and a note, where it cannot be built."""
    from nrsr.experiment.folder import load

    try:
        return sum(parameter.numel() for parameter in load(experiment).system.parameters())
    except NrsrError as error:
        note(f"parameters of {experiment.name} are not counted: {error}")
        return None


def trained_with(runs: Sequence[Run]) -> str:
    """Commits and devices of the trainings, from the versions.txt of the runs."""
    found: dict[str, set[str]] = {"git": set(), "gpu": set()}
    for one in runs:
        path = one.path / "versions.txt"
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            name, _, value = line.partition(" ")
            if name in found:
                found[name].add(short(value) if name == "git" else value)
    if not found["git"]:
        return "no versions.txt tells what the systems were trained with"
    return f"trained at commit {', '.join(sorted(found['git']))}, GPU {', '.join(sorted(found['gpu']))}"
