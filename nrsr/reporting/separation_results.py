"""The tables of a results file for separation, from the pooled figures of `nrsr.scoring.separation_runs`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nrsr.reporting.results import results_tables, short
from nrsr.reporting.separation_tables import FORMS, heading
from nrsr.reporting.tables import Table, with_interval

MAIN = ("si_snr_i", "sdr_i")


def separation_results(
    pooled: Mapping[str, Any], measured: Mapping[str, Mapping[str, Any]], baseline: str
) -> list[Table]:
    """The overview, all measures of each set, the differences to the baseline, and what was measured.

    Args:
        pooled: of `pool_separation`.
        measured: system -> {"parameters": number or None, "seeds": list, "folds": list, "runs": number}.
    """
    tables = [_overview(pooled)]
    tables += [_whole(name, one) for name, one in pooled.items()]
    if any(one["differences"] for one in pooled.values()):
        tables.append(_differences(pooled, baseline))
    return [*tables, _measured(measured)]


def speaker_word_tables(pooled: Mapping[str, Any]) -> list[Table]:
    """The tables of `pool_speaker_words`, which are those of recognition under other titles."""
    return [replace(one, title=f"Separated speakers recognised. {one.title}") for one in results_tables(pooled)]


def _cell(figure: Mapping[str, Any] | None, measure: str, sign: str = "") -> str:
    if figure is None or figure["mean"] is None:
        return "-"
    return with_interval(figure["mean"], figure["interval"], sign + FORMS[measure.removesuffix("_i")])


def _deviation(figure: Mapping[str, Any]) -> str:
    deviation = figure.get("deviation")
    return "-" if deviation is None else f"{deviation:.2f}"


def _overview(pooled: Mapping[str, Any]) -> Table:
    systems = list(dict.fromkeys(system for one in pooled.values() for system in one["systems"]))
    header = ["system"]
    for name in pooled:
        header += [f"{short(name)} {heading(measure)}" for measure in MAIN] + ["s.d. over seeds"]
    rows = []
    for system in systems:
        row = [system]
        for one in pooled.values():
            figures = one["systems"].get(system, {})
            row += [_cell(figures.get(measure), measure) for measure in MAIN]
            row.append(_deviation(figures.get(MAIN[0], {})))
        rows.append(row)
    drawn = "; ".join(f"{short(name)} over {_drawn(one)}" for name, one in pooled.items())
    notes = [
        "Improvement over the noisy mixture: mean over speakers and seeds of each mixture, then over mixtures.",
        f"Intervals: 95 %, bootstrap: {drawn}. The deviation is that of SI-SNRi.",
    ]
    return Table("Improvement in dB with 95 % intervals", header, rows, notes)


def _drawn(one: Mapping[str, Any]) -> str:
    mixtures, *noises = one["drawn"]
    return f"{mixtures} mixtures" + (f" and {noises[0]} noise recordings" if noises else "")


def _whole(name: str, one: Mapping[str, Any]) -> Table:
    measures = list(dict.fromkeys(measure for figures in one["systems"].values() for measure in figures))
    rows = [[system, *(_cell(figures.get(m), m) for m in measures)] for system, figures in one["systems"].items()]
    return Table(f"{short(name)}: all measures", ["system", *map(heading, measures)], rows)


def _differences(pooled: Mapping[str, Any], baseline: str) -> Table:
    rows = []
    for name, one in pooled.items():
        for system, figures in one["differences"].items():
            cells = [_cell(figures.get(measure), measure, "+") for measure in MAIN]
            if main := figures.get(MAIN[0]):
                cells += [_deviation(main), f"{main['better']:.3f}", str(main["pairs"])]
            rows.append([f"{short(name)}: {system} - {baseline}", *cells, *["-"] * (5 - len(cells))])
    header = ["paired difference in dB", *map(heading, MAIN), "s.d. over seeds", "probability of improvement"]
    header.append("runs paired")
    notes = [
        "Above 0: better than the baseline. Only runs of the same fold and seed are paired.",
        "Interval and probability are for other mixtures and noise with these trainings; the deviation of SI-SNRi over "
        "the pairs tells how far trainings differ.",
    ]
    return Table("Differences to the baseline", header, rows, notes)


def _measured(measured: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [
            system,
            "-" if one["parameters"] is None else f"{one['parameters'] / 1e6:.2f} M",
            str(one["runs"]),
            ", ".join(map(str, one["seeds"])),
            ", ".join(map(str, one["folds"])) or "-",
        ]
        for system, one in measured.items()
    ]
    return Table("What was measured", ["system", "parameters", "runs", "seeds", "folds"], rows)
