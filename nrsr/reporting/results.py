"""The tables of a results file from pooled systems (`nrsr.scoring.pool_runs`): a small one first, then all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from nrsr.reporting.pooled_cells import main_condition, marked, short, title_of
from nrsr.reporting.published import Published
from nrsr.reporting.small_table import small_table
from nrsr.reporting.tables import Table, with_interval
from nrsr.scoring.metric import Metric
from nrsr.scoring.pooled_set import ALL
from nrsr.scoring.table import UNKNOWN


def results_tables(
    pooled: Mapping[str, Any], main: Sequence[Metric], published: Sequence[Published] = (), tags: Sequence[str] = ()
) -> tuple[Table, list[Table]]:
    """The small table, and those with intervals, by SNR, of all metrics, of the differences, and of what was measured.

    Args:
        main: the main metrics; relative differences are those of the first one.
        tags: the small table has a row for each NAME of the systems NAME-TAG, and columns for each TAG.
    """
    sets = list(pooled["sets"])
    tables = [_main_values(pooled, main, names) for names in ([sets] if len(main) == 1 else [[name] for name in sets])]
    for name, summary in pooled["sets"].items():
        if summary["snrs"]:
            tables += [_by_snr(pooled, name, metric) for metric in main]
    for name, summary in pooled["sets"].items():
        if any(summary["by_noise"].values()):
            tables += [_by_noise(pooled, name, metric) for metric in main]
    for name in pooled["sets"]:
        if _folds(pooled, name):
            tables += [_by_fold(pooled, name, metric) for metric in main]
    main_names = {metric.name for metric in main}
    if further := [metric for metric in pooled["metrics"] if metric.name not in main_names]:
        tables.append(_further(pooled, further))
    if any(summary["comparisons"] for summary in pooled["sets"].values()):
        tables.append(_comparisons(pooled, main))
    return small_table(pooled, main, published, tags), [*tables, _measured(pooled, main)]


def _with_interval(scores: Mapping[str, Any] | None, metric: Metric, condition: str | None) -> str:
    if scores is None or condition is None or scores[metric.name][condition]["value"] is None:
        return "-"
    score = scores[metric.name][condition]
    return with_interval(score["value"], score["interval"], f".{metric.digits}f")


def _deviation(score: Mapping[str, Any] | None, metric: Metric) -> str:
    deviation = None if score is None else score["seed_deviation"]
    return "-" if deviation is None else f"{deviation:.{metric.digits}f}"


def _main_values(pooled: Mapping[str, Any], main: Sequence[Metric], sets: Sequence[str]) -> Table:
    """Values of the main metrics on some sets, with interval and deviation over seeds."""
    named = [(name, condition) for name in sets if (condition := main_condition(pooled, name))]
    rows = []
    for system in pooled["systems"]:
        row = [marked(pooled, system)]
        for name, condition in named:
            scores = pooled["sets"][name]["systems"].get(system)
            for metric in main:
                score = None if scores is None else scores[metric.name][condition]
                row += [_with_interval(scores, metric, condition), _deviation(score, metric)]
        rows.append(row)
    header = ["system"]
    for name, _ in named:
        header += [cell for metric in main for cell in (f"{short(name)} {metric.title}", "s.d. over seeds")]
    draws = pooled["bootstrap"]["draws"]
    speakers = pooled["bootstrap"]["speakers"]
    drawn = [f"{short(name)} over {_drawn(pooled['sets'][name], speakers)}" for name in sets]
    together = "all of a speaker stays together" if speakers else "all runs of an utterance stay together"
    note = f"Intervals: 95 %, bootstrap with {draws} draws: {'; '.join(drawn)}; {together}."
    return Table(f"{title_of(main)} with 95 % intervals", header, rows, [note])


def _drawn(summary: Mapping[str, Any], speakers: bool = False) -> str:
    recordings = summary["noise_recordings"]
    amount = f"{summary['speakers']} speakers" if speakers else f"{summary['utterances']} utterances"
    if not speakers and summary["groups"] < summary["utterances"]:
        amount += f" in {summary['groups']} groups of utt2uniq"
    return amount + (f" and {recordings} noise recordings" if recordings else "")


def _by_snr(pooled: Mapping[str, Any], test_set: str, metric: Metric) -> Table:
    summary = pooled["sets"][test_set]
    rows = [
        [marked(pooled, system), *(_with_interval(scores, metric, snr) for snr in summary["snrs"])]
        for system, scores in summary["systems"].items()
    ]
    header = ["system", *("no SNR" if snr == UNKNOWN else f"{snr} dB" for snr in summary["snrs"])]
    return Table(f"{short(test_set)}: {metric.heading} with 95 % intervals", header, rows)


def _by_noise(pooled: Mapping[str, Any], test_set: str, metric: Metric) -> Table:
    """Values of each noise type over all SNRs, without intervals; those of a single run are in its scores."""
    by_system = pooled["sets"][test_set]["by_noise"]
    kinds = list(next(filter(None, by_system.values()))[metric.name])
    rows = [
        [marked(pooled, system), *(_number(values[metric.name][kind], metric) for kind in kinds)]
        for system, values in by_system.items()
        if values
    ]
    return Table(f"{short(test_set)}: {metric.heading} by noise, all SNRs together", ["system", *kinds], rows)


def _by_fold(pooled: Mapping[str, Any], test_set: str, metric: Metric) -> Table:
    """Values of each fold, and their mean."""
    folds = _folds(pooled, test_set)
    rows = []
    for system, by_metric in pooled["sets"][test_set]["by_fold"].items():
        values = [by_metric[metric.name].get(fold) for fold in folds]
        known = [value for value in values if value is not None]
        mean = sum(known) / len(known) if len(known) == len(folds) else None
        rows.append([marked(pooled, system), *(_number(value, metric) for value in (*values, mean))])
    header = ["system", *(f"fold {fold}" for fold in folds), "mean of folds"]
    return Table(f"{short(test_set)}: {metric.heading} by fold", header, rows)


def _folds(pooled: Mapping[str, Any], test_set: str) -> list[int]:
    """The folds of a set, where there are several."""
    by_system = pooled["sets"][test_set]["by_fold"].values()
    folds = sorted({fold for by_metric in by_system for values in by_metric.values() for fold in values})
    return folds if len(folds) > 1 else []


def _number(value: float | None, metric: Metric) -> str:
    return "-" if value is None else f"{value:.{metric.digits}f}"


def _further(pooled: Mapping[str, Any], metrics: Sequence[Metric]) -> Table:
    """Metrics beside the main ones, over the same utterances."""
    rows = []
    for name, summary in pooled["sets"].items():
        condition = main_condition(pooled, name) or ALL
        for system, scores in summary["systems"].items():
            cells = (_with_interval(scores, metric, condition) for metric in metrics)
            rows.append([f"{short(name)}: {marked(pooled, system)}", *cells])
    return Table("Further metrics with 95 % intervals", ["system", *(metric.heading for metric in metrics)], rows)


def _comparisons(pooled: Mapping[str, Any], main: Sequence[Metric]) -> Table:
    first, relative = main[0], main[0].unit == "%"
    rows = []
    for name, summary in pooled["sets"].items():
        condition = main_condition(pooled, name)
        for comparison in summary["comparisons"] if condition else ():
            differences = {metric.name: comparison["metrics"][metric.name][condition] for metric in main}
            decisive = differences[first.name]
            better = decisive["probability_of_improvement"]
            row = [f"{short(name)}: {marked(pooled, comparison['system'])} - {marked(pooled, comparison['versus'])}"]
            for metric in main:
                difference = differences[metric.name]
                form = f"+.{metric.digits}f"
                none = difference["difference"] is None
                row.append("-" if none else with_interval(difference["difference"], difference["interval"], form))
            if relative:
                row.append("-" if decisive["relative"] is None else f"{decisive['relative']:+.1f} %")
            row += [_deviation(decisive, first), "-" if better is None else f"{better:.3f}", str(comparison["pairs"])]
            rows.append(row)
    header = [
        "paired difference",
        *(f"points of {metric.title}" if metric.unit == "%" else metric.heading for metric in main),
    ]
    header += ["relative"] * relative + ["s.d. over seeds", "probability of improvement", "runs paired"]
    notes = [
        f"{'Below' if first.better == 'lower' else 'Above'} 0: better than the second system. Only runs of the same "
        "fold and seed are paired.",
        "Interval and probability are for other utterances and noise with these trainings; the deviation shows how far "
        "trainings differ.",
    ]
    if len(main) > 1:
        notes.append(f"Deviation and probability are those of {first.title}.")
    return Table(f"Differences between systems: {', '.join(metric.title for metric in main)}", header, rows, notes)


def _measured(pooled: Mapping[str, Any], main: Sequence[Metric]) -> Table:
    rows = []
    for system, entry in pooled["systems"].items():
        parameters = entry.get("parameters")
        rows.append(
            [
                marked(pooled, system),
                "-" if parameters is None else f"{parameters / 1e6:.2f} M",
                str(entry["runs"]),
                ", ".join(map(str, entry["seeds"])) or "-",
                ", ".join(map(str, entry["folds"])) or "-",
            ]
        )
    notes = []
    for name, summary in pooled["sets"].items():
        size = summary["sizes"].get(main[0].base)
        amount = f"{size} {main[0].base} in " if main[0].base else ""
        notes.append(f"{name}: {amount}{_drawn(summary)}, all folds together.")
    notes += pooled.get("undefined_notes", [])
    for baseline in pooled["baselines_missing"]:
        notes.append(f"There is no baseline {baseline} among the systems: nothing was compared with it.")
    for key, values in pooled.get("config_differences", {}).items():
        notes.append(f"Setting {key}: " + "; ".join(f"{system} `{value}`" for system, value in values.items()) + ".")
    title = f"What was measured: {', '.join(metric.title for metric in main)}"
    return Table(title, ["system", "parameters", "runs", "seeds", "folds"], rows, notes)
