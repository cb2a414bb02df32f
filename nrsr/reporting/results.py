"""The tables of a results file from pooled systems (`nrsr.scoring.pool_runs`): a small one first, then all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from nrsr.reporting.published import Published
from nrsr.reporting.tables import Table, with_interval
from nrsr.scoring.metric import Metric
from nrsr.scoring.pooled_set import ALL, PRIMARY

LACKS = "*"  # after the name of a system that lacks runs which others have


def short(test_set: str) -> str:
    """A test set's name in a column: "seen" for test_seen."""
    return test_set.removeprefix("test_")


def results_tables(
    pooled: Mapping[str, Any], main: Sequence[Metric], published: Sequence[Published] = ()
) -> tuple[Table, list[Table]]:
    """The small table, and those with intervals, by SNR, of all metrics, of the differences, and of what was measured.

    Args:
        main: metrics that systems are judged by; the first one decides.
    """
    tables = [_main_values(pooled, main)]
    tables += [_by_snr(pooled, name, main[0]) for name, one in pooled["sets"].items() if one["snrs"]]
    others = [metric for metric in pooled["metrics"] if metric.name not in {one.name for one in main}]
    if others:
        tables.append(_further(pooled, others))
    if any(one["comparisons"] for one in pooled["sets"].values()):
        tables.append(_comparisons(pooled, main))
    return _small(pooled, main, published), [*tables, _measured(pooled, main)]


def marked(pooled: Mapping[str, Any], system: str) -> str:
    """The system's name, with a mark where it lacks runs."""
    return system + LACKS * bool(pooled["systems"][system]["missing"])


def main_figure(pooled: Mapping[str, Any], test_set: str) -> str | None:
    """The figure that a set is judged by; None where it lacks SNRs that the primary figure asks for."""
    one = pooled["sets"][test_set]
    if one["primary"]:
        return PRIMARY
    return ALL if not one["snrs"] or pooled["primary"] == [ALL] else None


def _cell(figures: Mapping[str, Any] | None, metric: Metric, figure: str | None) -> str:
    value = None if figures is None or figure is None else figures[metric.name][figure]["value"]
    return "-" if value is None else f"{value:.{metric.digits}f}"


def _with_interval(figures: Mapping[str, Any] | None, metric: Metric, figure: str | None) -> str:
    if figures is None or figure is None or figures[metric.name][figure]["value"] is None:
        return "-"
    own = figures[metric.name][figure]
    return with_interval(own["value"], own["interval"], f".{metric.digits}f")


def _deviation(figure: Mapping[str, Any] | None, metric: Metric) -> str:
    deviation = None if figure is None else figure["seed_deviation"]
    return "-" if deviation is None else f"{deviation:.{metric.digits}f}"


def _title(main: Sequence[Metric]) -> str:
    units = {metric.unit for metric in main}
    if len(units) == 1 and len(main) > 1 and main[0].unit:
        return f"{', '.join(metric.title for metric in main)} in {main[0].unit}"
    return ", ".join(metric.heading for metric in main)


def _columns(pooled: Mapping[str, Any], main: Sequence[Metric]) -> list[tuple[str, Metric, str]]:
    """Set, metric and heading of each column of the small table."""
    several = len(main) > 1
    return [
        (name, metric, f"{short(name)} {metric.title}" if several else short(name))
        for name in pooled["sets"]
        for metric in main
    ]


def _small(pooled: Mapping[str, Any], main: Sequence[Metric], published: Sequence[Published]) -> Table:
    columns = _columns(pooled, main)
    rows = []
    for one in published:
        cells = [
            one.values.get((name, metric.name), one.values.get((name, ""), "-") if metric is main[0] else "-")
            for name, metric, _ in columns
        ]
        rows.append([f"published: {one.system}", *cells])
    for system in pooled["systems"]:
        cells = [
            _cell(pooled["sets"][name]["systems"].get(system), metric, main_figure(pooled, name))
            for name, metric, _ in columns
        ]
        rows.append([marked(pooled, system), *cells])
    notes = [f"{metric.title}: {metric.meaning}." for metric in main if metric.meaning]
    if any(len(own["seeds"]) > 1 or len(own["folds"]) > 1 for own in pooled["systems"].values()):
        notes.append("Seeds and folds are pooled: what is counted in all runs of a system is added up.")
    primaries = {name: one["primary"] for name, one in pooled["sets"].items() if one["primary"]}
    for snrs in dict.fromkeys(map(tuple, primaries.values())):
        sets = ", ".join(short(name) for name, own in primaries.items() if tuple(own) == snrs)
        notes.append(f"{sets}: mean of {', '.join(snrs)} dB, each of these SNRs counting alike.")
    for system, own in pooled["systems"].items():
        if own["missing"]:
            notes.append(f"{system}{LACKS} lacks runs that other systems have: {'; '.join(own['missing'])}.")
    for name in pooled["sets"]:
        if main_figure(pooled, name) is None:
            notes.append(f"{name} has no primary figure: it has the SNRs {', '.join(pooled['sets'][name]['snrs'])} dB.")
    notes += [f"{name} was scored for no system." for name in pooled["sets_not_scored"]]
    for source, systems in _sources(published).items():
        notes.append(f"Published ({', '.join(systems)}): {source}.")
    return Table(_title(main), ["system", *(title for _, _, title in columns)], rows, notes)


def _sources(published: Sequence[Published]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in published:
        found.setdefault(one.source, []).append(one.system)
    return found


def _main_values(pooled: Mapping[str, Any], main: Sequence[Metric]) -> Table:
    """The values that systems are judged by, with interval and deviation over seeds."""
    named = [(name, figure) for name in pooled["sets"] if (figure := main_figure(pooled, name))]
    rows = []
    for system in pooled["systems"]:
        row = [marked(pooled, system)]
        for name, figure in named:
            figures = pooled["sets"][name]["systems"].get(system)
            for metric in main:
                own = None if figures is None else figures[metric.name][figure]
                row += [_with_interval(figures, metric, figure), _deviation(own, metric)]
        rows.append(row)
    header = ["system"]
    for name, _ in named:
        header += [cell for metric in main for cell in (f"{short(name)} {metric.title}", "s.d. over seeds")]
    draws = pooled["bootstrap"]["draws"]
    drawn = [f"{short(name)} over {_drawn(one)}" for name, one in pooled["sets"].items()]
    note = f"Intervals: 95 %, bootstrap with {draws} draws: {'; '.join(drawn)}; all runs of an utterance stay together."
    return Table(f"{_title(main)} with 95 % intervals", header, rows, [note])


def _drawn(one: Mapping[str, Any]) -> str:
    recordings = one["noise_recordings"]
    return f"{one['utterances']} utterances" + (f" and {recordings} noise recordings" if recordings else "")


def _by_snr(pooled: Mapping[str, Any], test_set: str, metric: Metric) -> Table:
    one = pooled["sets"][test_set]
    rows = [
        [marked(pooled, system), *(_with_interval(figures, metric, snr) for snr in one["snrs"])]
        for system, figures in one["systems"].items()
    ]
    header = ["system", *(f"{snr} dB" for snr in one["snrs"])]
    return Table(f"{short(test_set)}: {metric.heading} with 95 % intervals", header, rows)


def _further(pooled: Mapping[str, Any], metrics: Sequence[Metric]) -> Table:
    """Metrics that systems are not judged by, over the same utterances."""
    rows = []
    for name, one in pooled["sets"].items():
        figure = main_figure(pooled, name) or ALL
        for system, figures in one["systems"].items():
            cells = (_with_interval(figures, metric, figure) for metric in metrics)
            rows.append([f"{short(name)}: {marked(pooled, system)}", *cells])
    return Table("Further metrics with 95 % intervals", ["system", *(one.heading for one in metrics)], rows)


def _comparisons(pooled: Mapping[str, Any], main: Sequence[Metric]) -> Table:
    first, relative = main[0], main[0].unit == "%"
    rows = []
    for name, one in pooled["sets"].items():
        figure = main_figure(pooled, name)
        for comparison in one["comparisons"] if figure else ():
            own = {metric.name: comparison["metrics"][metric.name][figure] for metric in main}
            decisive = own[first.name]
            better = decisive["probability_of_improvement"]
            row = [f"{short(name)}: {marked(pooled, comparison['system'])} - {marked(pooled, comparison['versus'])}"]
            for metric in main:
                difference = own[metric.name]
                form = f"+.{metric.digits}f"
                none = difference["difference"] is None
                row.append("-" if none else with_interval(difference["difference"], difference["interval"], form))
            if relative:
                row.append("-" if decisive["relative"] is None else f"{decisive['relative']:+.1f} %")
            row += [_deviation(decisive, first), "-" if better is None else f"{better:.3f}", str(comparison["pairs"])]
            rows.append(row)
    header = ["paired difference", *(f"points of {one.title}" if one.unit == "%" else one.heading for one in main)]
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
    for system, own in pooled["systems"].items():
        parameters = own.get("parameters")
        rows.append(
            [
                marked(pooled, system),
                "-" if parameters is None else f"{parameters / 1e6:.2f} M",
                str(own["runs"]),
                ", ".join(map(str, own["seeds"])) or "-",
                ", ".join(map(str, own["folds"])) or "-",
            ]
        )
    notes = []
    for name, one in pooled["sets"].items():
        size = one["sizes"].get(main[0].base)
        amount = f"{size} {main[0].base} in " if main[0].base else ""
        notes.append(f"{name}: {amount}{_drawn(one)}, all folds together.")
    for baseline in pooled["baselines_missing"]:
        notes.append(f"There is no baseline {baseline} among the systems: nothing was compared with it.")
    for key, values in pooled.get("config_differences", {}).items():
        notes.append(f"Setting {key}: " + "; ".join(f"{system} `{value}`" for system, value in values.items()) + ".")
    title = f"What was measured: {', '.join(metric.title for metric in main)}"
    return Table(title, ["system", "parameters", "runs", "seeds", "folds"], rows, notes)
