"""The tables of a results file from the pooled figures of several systems (`nrsr.scoring.pool_runs`)."""

from collections.abc import Mapping
from typing import Any

from nrsr.reporting.tables import Table, with_interval

LACKS = "*"  # after the name of a system that lacks runs which others have


def short(test_set: str) -> str:
    """A test set's name in a column: "seen" for test_seen."""
    return test_set.removeprefix("test_")


def results_tables(pooled: Mapping[str, Any]) -> list[Table]:
    """The overview, the intervals of each set, the differences to the baselines, and what was measured."""
    tables = [_overview(pooled), _main_figures(pooled)]
    tables += [_by_snr(pooled, name) for name, one in pooled["sets"].items() if one["snrs"]]
    if any(one["comparisons"] for one in pooled["sets"].values()):
        tables.append(_comparisons(pooled))
    return [*tables, _measured(pooled)]


def marked(pooled: Mapping[str, Any], system: str) -> str:
    """The system's name, with a mark where it lacks runs."""
    return system + LACKS * bool(pooled["systems"][system]["missing"])


def main_figure(pooled: Mapping[str, Any], test_set: str) -> str | None:
    """The figure that stands for a set: "all" without noise, "primary" with; None where SNRs lack for it."""
    one = pooled["sets"][test_set]
    figure = "primary" if one["snrs"] else "all"
    return figure if all(figure in figures for figures in one["systems"].values()) else None


def primary_name(pooled: Mapping[str, Any]) -> str:
    """What the primary figure is, in words."""
    return f"mean of {', '.join(pooled['primary'])} dB"


def _cell(figures: Mapping[str, Any] | None, figure: str | None) -> str:
    if figures is None or figure not in figures:
        return "-"
    wer = figures[figure]["wer"]
    return "-" if wer is None else f"{wer:.2f}"


def _overview(pooled: Mapping[str, Any]) -> Table:
    columns = []
    for name, one in pooled["sets"].items():
        columns += [(name, snr, f"{short(name)} {snr} dB") for snr in one["snrs"]]
        columns.append((name, main_figure(pooled, name), f"{short(name)} primary" if one["snrs"] else short(name)))
    rows = [
        [
            marked(pooled, system),
            *(_cell(pooled["sets"][name]["systems"].get(system), figure) for name, figure, _ in columns),
        ]
        for system in pooled["systems"]
    ]
    notes = ["Each figure: errors over words, pooled over seeds and folds."]
    if any(one["snrs"] for one in pooled["sets"].values()):
        notes.append(f"Primary figure: {primary_name(pooled)}, each of these SNRs counting alike.")
    for system, own in pooled["systems"].items():
        if own["missing"]:
            notes.append(f"{system}{LACKS} lacks runs that other systems have: {'; '.join(own['missing'])}.")
    for name in pooled["sets"]:
        if main_figure(pooled, name) is None:
            notes.append(f"{name} has no primary figure: it has the SNRs {', '.join(pooled['sets'][name]['snrs'])} dB.")
    notes += [f"{name} was scored for no system." for name in pooled["sets_not_scored"]]
    return Table("WER in %", ["system", *(title for _, _, title in columns)], rows, notes)


def _main_figures(pooled: Mapping[str, Any]) -> Table:
    """The figures that systems are judged by, with interval and deviation over seeds."""
    named = [(name, figure) for name in pooled["sets"] if (figure := main_figure(pooled, name))]
    rows = []
    for system in pooled["systems"]:
        row = [marked(pooled, system)]
        for name, figure in named:
            figures = pooled["sets"][name]["systems"].get(system, {}).get(figure)
            row += ["-", "-"] if figures is None else [_with_interval(figures), _deviation(figures)]
        rows.append(row)
    header = ["system"]
    for name, figure in named:
        header += [f"{short(name)} primary" if figure == "primary" else short(name), "s.d. over seeds"]
    draws = pooled["bootstrap"]["draws"]
    drawn = [f"{short(name)} over {_drawn(one)}" for name, one in pooled["sets"].items()]
    note = f"Intervals: 95 %, bootstrap with {draws} draws: {'; '.join(drawn)}; the seeds of one string stay together."
    return Table("WER in % with 95 % intervals", header, rows, [note])


def _drawn(one: Mapping[str, Any]) -> str:
    recordings = one["noise_recordings"]
    return f"{one['strings']} strings" + (f" and {recordings} noise recordings" if recordings else "")


def _with_interval(figures: Mapping[str, Any]) -> str:
    return with_interval(figures["wer"], figures["interval"])


def _deviation(figures: Mapping[str, Any]) -> str:
    deviation = figures["seed_deviation"]
    return "-" if deviation is None else f"{deviation:.2f}"


def _by_snr(pooled: Mapping[str, Any], test_set: str) -> Table:
    one = pooled["sets"][test_set]
    rows = [
        [marked(pooled, system), *(_with_interval(figures[snr]) for snr in one["snrs"])]
        for system, figures in one["systems"].items()
    ]
    return Table(
        f"{short(test_set)}: WER in % with 95 % intervals", ["system", *(f"{s} dB" for s in one["snrs"])], rows
    )


def _comparisons(pooled: Mapping[str, Any]) -> Table:
    rows = []
    for name, one in pooled["sets"].items():
        figure = main_figure(pooled, name)
        for comparison in one["comparisons"]:
            difference = comparison["figures"].get(figure)
            if difference is None:
                continue
            relative, better = difference["relative"], difference["probability_of_improvement"]
            rows.append(
                [
                    f"{short(name)}: {marked(pooled, comparison['system'])} - {marked(pooled, comparison['versus'])}",
                    with_interval(difference["difference"], difference["interval"], "+.2f"),
                    "-" if relative is None else f"{relative:+.1f} %",
                    "-" if better is None else f"{better:.3f}",
                    str(comparison["pairs"]),
                ]
            )
    header = ["paired difference", "points of WER", "relative", "probability of improvement", "runs paired"]
    notes = ["Below 0: fewer errors than the second system. Only runs of the same fold and seed are paired."]
    return Table("Differences between systems (clean: WER, else the primary figure)", header, rows, notes)


def _measured(pooled: Mapping[str, Any]) -> Table:
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
    notes = [
        f"{name}: {one['words']} words in {_drawn(one)}, all folds together." for name, one in pooled["sets"].items()
    ]
    for baseline in pooled["baselines_missing"]:
        notes.append(f"There is no baseline {baseline} among the systems: nothing was compared with it.")
    for key, values in pooled.get("config_differences", {}).items():
        notes.append(f"Setting {key}: " + "; ".join(f"{system} `{value}`" for system, value in values.items()) + ".")
    return Table("What was measured", ["system", "parameters", "runs", "seeds", "folds"], rows, notes)
