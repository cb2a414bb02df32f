"""Write the tables of a results file from the scored experiments of a folder, and print them.

Example:
    nrsr report --exp egs/mini/asr/exp/full --baseline no_se --out egs/mini/asr/RESULTS.md
    nrsr report --exp exp/full --metric si_snr_i,sdr_i --primary all --also wer --sets test_seen --baseline sep_2mix
    nrsr report --exp exp/full --systems 'single-*,amtl-*' --baseline single --columns noises1,all --gain-figure g.png
    nrsr report --exp exp/full --also pesq,stoi --baseline noisy --columns clean,noisy --figure snr.png --out RESULTS.md

Reads EXP/<system>[_fold<F>]_seed<S>/<stage>_<set>/score/scores.tsv, which score commands write with --out, and
probe.json of `nrsr probe` where it is beside score/. A system that is trained once for all seeds is named
<system>[_fold<F>]_once. Replaces the text between the two marks `<!-- nrsr report: begin -->` and
`<!-- nrsr report: end -->` of the results file, and leaves all else: a small table, the figure, all tables.

A system named <system>-<tag> is compared with the baseline of the same tag. With --columns A,B the small table has a
row for each <system> and columns for its tags A and B, the figure has a panel for each, and --gain-figure has them one
after the other.

With --confusion the file's figure has a panel for each system and set whose labels `nrsr score-ser` compared.

A metric is one of nrsr/scoring/metrics, the improvement of one (si_snr_i), or module.NAME of a nrsr.scoring.Metric.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nrsr.arguments import draws, names
from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.revision import short
from nrsr.listing import listed
from nrsr.reporting import Table, config_differences, draw_over_snr, provenance, read_published, results_tables
from nrsr.reporting.confusion_figure import draw_confusion
from nrsr.reporting.criteria_figure import draw_criteria
from nrsr.reporting.gain_figure import draw_gain
from nrsr.reporting.gradient_figure import draw_gradients
from nrsr.reporting.lag_notes import lag_notes
from nrsr.reporting.pooled_cells import rows_of
from nrsr.reporting.pooled_cells import short as short_name
from nrsr.reporting.probe_table import probe_table
from nrsr.reporting.results_file import write_results
from nrsr.reporting.undefined_notes import undefined_notes
from nrsr.scoring import Metric, Run, find_metric, find_runs, pool_runs
from nrsr.scoring.bootstrap import DRAWS
from nrsr.scoring.classification import CLASSIFIED, LABEL, classes_of, confusion
from nrsr.scoring.experiments import ExperimentsError, NothingScoredError
from nrsr.scoring.metric import IMPROVEMENT, metrics_of
from nrsr.scoring.pooled_set import EACH


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiments, test sets and metrics to pool, and the files to write."""
    parser.add_argument("--exp", required=True, metavar="DIR", help="folder that holds the experiments")
    parser.add_argument("--sets", type=names, default="test_clean,test_seen,test_unseen", help="(%(default)s)")
    parser.add_argument("--metric", type=names, default="wer", metavar="A,B", help="the first decides    (%(default)s)")
    parser.add_argument(
        "--systems", type=names, default="", metavar="A,B*", help="these alone, * being any letters    (all)"
    )
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
        help="SNRs (dB) to average for a noisy set; each: every SNR; all: utterances alike    (%(default)s)",
    )
    parser.add_argument("--also", type=names, default="", metavar="A,B", help="metrics of another stage, where scored")
    parser.add_argument("--columns", type=names, default="", metavar="A,B", help="tags: columns, panels of the figure")
    parser.add_argument("--published", metavar="FILE", help="tab-separated: system, sets, source; for the small table")
    parser.add_argument("--over-speakers", action="store_true", help="draw speakers, not utterances, for the intervals")
    parser.add_argument(
        "--confusion", metavar="FILE", help="draw confusion matrices, of systems whose labels are scored"
    )
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--out", metavar="FILE", help="results file, for example RESULTS.md")
    parser.add_argument("--figure", metavar="FILE", help="draw the first metric over SNR into this png, pdf or svg")
    parser.add_argument(
        "--gain-figure", metavar="FILE", help="draw the differences from the first baseline over the tags of --columns"
    )
    parser.add_argument("--gradients", metavar="FILE", help="draw angles and conflicts of the gradients over epochs")
    parser.add_argument("--criteria", type=names, default="", metavar="A,B", help="of validations, to draw over steps")
    parser.add_argument(
        "--criteria-figure", metavar="FILE", help="where to draw them, for example RESULTS_training.png"
    )


def run(args: argparse.Namespace) -> None:
    """Pool scored folders over seeds and folds, print the tables, and write them with their figures."""
    published = read_published(args.published) if args.published else []
    asked = [find_metric(name) for name in args.metric]
    runs, left_out = find_runs(args.exp, args.sets, asked[0])
    runs = of_systems(runs, args.systems) if args.systems else runs
    for name in left_out:
        note(f"{args.exp}/{name} is left out: it is not named <system>[_fold<F>]_seed<S> or ..._once")
    if args.columns and not rows_of((run.system for run in runs), args.columns):
        raise ExperimentsError(f"--columns {','.join(args.columns)}: {args.exp} has no system with such a tag")
    main = scored(runs, asked)
    metrics, options = main + further(runs, main), {"speakers": args.over_speakers}
    pooled = pool_runs(runs, args.sets, args.baseline, metrics, args.primary, args.draws, **options)
    describe(pooled, runs)
    small, tables = results_tables(pooled, main, published, args.columns)
    if probes := probe_table(by_system(runs)):
        tables.insert(0, probes)
    if args.also:
        tables += also(args, [find_metric(name) for name in args.also])
    origin = f"Measured: tables of {provenance()}; {trained_with(runs)}."
    drawn = bool(args.figure) and draw_over_snr(pooled, main[0], args.figure, args.columns)
    if args.figure and not drawn:
        note(f"{args.figure} is not drawn: no test set has several SNRs")
    if args.gain_figure and not draw_gain(pooled, main[0], args.gain_figure, args.columns, args.baseline[0]):
        note(f"{args.gain_figure} is not drawn: no system of --columns is compared with {args.baseline[0]}")
    if args.out:
        write_results(args.out, markdown(origin, small, tables, image(args, main[0]) if drawn else ""))
    if args.confusion and not draw_matrices(args.confusion, runs, args.sets, list(pooled["systems"])):
        note(f"{args.confusion} is not drawn: no run has scores of labels (nrsr score-ser)")
    if args.gradients and not draw_gradients(by_system(runs), args.gradients):
        note(f"{args.gradients} is not drawn: no training logged angles (gradients: Remedy, MeasuredSum, ... do)")
    if args.criteria_figure and not draw_criteria(by_system(runs), args.criteria, args.criteria_figure):
        note(
            f"{args.criteria_figure} is not drawn: no training logged any of {', '.join(args.criteria) or '--criteria'}"
        )
    # The small table last, so that a recipe ends with it.
    print("\n".join([origin + "\n", *(table.plain() for table in [*reversed(tables), small])]), end="")


def of_systems(runs: Sequence[Run], patterns: Sequence[str]) -> list[Run]:
    """The runs whose system matches a pattern; notes the patterns that none matches.

    Raises:
        ExperimentsError: no system is left.
    """
    systems = sorted({run.system for run in runs})
    idle = [pattern for pattern in patterns if not any(fnmatchcase(system, pattern) for system in systems)]
    if len(idle) == len(patterns):
        raise ExperimentsError(f"--systems {','.join(patterns)}: no system matches; there are {listed(systems)}")
    for pattern in idle:
        note(f"--systems {pattern}: no system matches")
    return [run for run in runs if matches(run, patterns)]


def matches(run: Run, patterns: Sequence[str]) -> bool:
    """Whether the run is of one of the systems asked for; no patterns are all systems."""
    return not patterns or any(fnmatchcase(run.system, pattern) for pattern in patterns)


def further(runs: Sequence[Run], main: Sequence[Metric]) -> list[Metric]:
    """The package's metrics that all tables of the runs have, but for the main ones.

    Improvements are among them where a main metric is one.
    """
    known = {metric.name for metric in main}
    columns = common_columns(runs)
    if not any(name.endswith(IMPROVEMENT) for name in known):
        columns = {name for name in columns if not name.endswith(IMPROVEMENT)}
    return [metric for metric in metrics_of(columns) if metric.name not in known]


def common_columns(runs: Sequence[Run]) -> set[str]:
    """Columns that all tables of the runs have."""
    return set.intersection(*(set(table.columns) for run in runs for table in run.scores.values()))


def scored(runs: Sequence[Run], metrics: Sequence[Metric]) -> list[Metric]:
    """The metrics that all tables of the runs have; notes the others, as those whose library was not there."""
    common = common_columns(runs)
    for metric in metrics:
        if not common.issuperset(metric.columns):
            note(f"{metric.title} is left out: not all runs were scored with it")
    return [metric for metric in metrics if common.issuperset(metric.columns)]


def also(args: argparse.Namespace, asked: Sequence[Metric]) -> list[Table]:
    """The tables of metrics of another stage, over every SNR of what was scored; none where no run has the first."""
    try:
        runs, _ = find_runs(args.exp, args.sets, asked[0])
    except NothingScoredError:
        return []
    runs = [run for run in runs if matches(run, args.systems)]
    if not runs:
        return []
    main, sets = scored(runs, asked), [name for name in args.sets if any(name in run.scores for run in runs)]
    metrics = main + further(runs, main)
    pooled = pool_runs(runs, sets, args.baseline, metrics, [EACH], args.draws, speakers=args.over_speakers)
    describe(pooled, runs)
    small, tables = results_tables(pooled, main)
    return [small, *tables]


def image(args: argparse.Namespace, metric: Metric) -> str:
    """The figure as a results file shows it, by its path from there."""
    path = os.path.relpath(args.figure, Path(args.out).parent)
    return f"![{metric.title} over SNR, with 95 % intervals]({path})\n"


def markdown(origin: str, small: Table, tables: Sequence[Table], figure: str) -> str:
    """The text between the marks of a results file."""
    return "\n".join([small.markdown(), *([figure] if figure else []), origin + "\n", *(t.markdown() for t in tables)])


def draw_matrices(path: str, runs: Sequence[Run], sets: Sequence[str], systems: Sequence[str]) -> bool:
    """Draw the confusion matrix of each system on each set, all its runs together; False where nobody has labels."""
    tables = {
        f"{system}: {short_name(name)}": scored_tables
        for system in systems
        for name in sets
        if (scored_tables := [run.scores[name] for run in runs if run.system == system and name in run.scores])
        and all(table.has(LABEL) and table.has(CLASSIFIED) for table in scored_tables)
    }
    if not tables:
        return False
    classes = classes_of(*(table for scored_tables in tables.values() for table in scored_tables))
    draw_confusion(
        {title: sum(confusion(table, classes) for table in scored_tables) for title, scored_tables in tables.items()},
        classes,
        path,
    )
    return True


def by_system(runs: Sequence[Run]) -> dict[str, list[Path]]:
    """The folders of each system's runs."""
    paths: dict[str, list[Path]] = {}
    for run in runs:
        paths.setdefault(run.system, []).append(run.path)
    return paths


def note(text: str) -> None:
    """Print a remark on stderr."""
    print(f"nrsr report: {text}", file=sys.stderr)


def describe(pooled: dict[str, Any], runs: Sequence[Run]) -> None:
    """Add numbers of parameters, differences between the systems' configs, and remarks on the scores."""
    configs: dict[str, dict[str, Any]] = {}
    without = []
    for run in runs:
        path = run.path / "config.yaml"
        if not path.is_file():
            without.append(run.path.name)
        elif run.system not in configs:
            configs[run.system] = load_yaml(path)
            pooled["systems"][run.system]["parameters"] = parameters(run.path)
        elif changed := config_differences({"first": configs[run.system], "this": load_yaml(path)}):
            note(f"{path}: {', '.join(changed)} differs from other runs of {run.system}; give the variant a --tag")
    if without:
        note(f"settings of {listed(without)} are not compared: no config.yaml is there")
    in_order = {system: configs[system] for system in pooled["systems"] if system in configs}
    pooled["config_differences"] = config_differences(in_order)
    pooled |= {"lag_notes": lag_notes(runs), "undefined_notes": undefined_notes(runs, pooled["metrics"])}


def parameters(experiment: Path) -> int | None:
    """Number of values that training changes, a teacher's left out; None, and a note, where none can be built."""
    from nrsr.experiment.folder import load

    try:
        turns = load(experiment).system.turns().values()
        return sum(tensor.numel() for tensor in {tensor for turn in turns for tensor in turn})
    except NrsrError as error:
        note(f"parameters of {experiment.name} are not counted: {error}")
        return None


def trained_with(runs: Sequence[Run]) -> str:
    """Commits and devices of the trainings, from the versions.txt of the runs."""
    values: dict[str, set[str]] = {"git": set(), "gpu": set()}
    for run in runs:
        path = run.path / "versions.txt"
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            name, _, value = line.partition(" ")
            if name in values:
                values[name].add(short(value) if name == "git" else value)
    if not values["git"]:
        return "no versions.txt lists what the systems were trained with"
    return f"trained at commit {', '.join(sorted(values['git']))}, GPU {', '.join(sorted(values['gpu']))}"
