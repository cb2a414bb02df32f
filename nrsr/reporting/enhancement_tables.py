"""The tables of one enhanced test set: before and after enhancement by metric, and after it by noise and by SNR."""

from collections.abc import Mapping, Sequence
from typing import Any

from nrsr.reporting.set_tables import BREAKDOWNS
from nrsr.reporting.tables import Table, with_interval
from nrsr.scoring.metric import IMPROVEMENT, Metric
from nrsr.scoring.summary import TOTAL


def enhancement_tables(summary: Mapping[str, Any], metrics: Sequence[Metric], notes: Sequence[str]) -> list[Table]:
    """A row for each metric in all; then a table for noises and one for SNRs, a column for each metric.

    Args:
        summary: of `nrsr.scoring.summarise`, of the metrics and their improvements.
        notes: on what was measured, below the first table.
    """
    bootstrap, total = summary["bootstrap"], summary[TOTAL][""]
    drawn = f"[95 % interval] by bootstrap over {' and '.join(bootstrap['over'])} ({bootstrap['draws']} draws)"
    rows = [_row(metric, total[metric.name], total[metric.name + IMPROVEMENT]) for metric in metrics]
    header = ["metric", "utterances", "noisy", "enhanced", "improvement"]
    tables = [Table("", header, rows, [drawn, *notes])]
    for key in ("noise", "snr"):
        if key in summary:
            lines = [
                [label, str(row["utterances"]), *(_value(row[metric.name]["value"], metric) for metric in metrics)]
                for label, row in summary[key].items()
            ]
            header = [BREAKDOWNS[key], "utterances", *(metric.title for metric in metrics)]
            tables.append(Table("", header, lines, ["enhanced; intervals and improvements are in scores.json"]))
    return tables


def _row(metric: Metric, after: Mapping[str, Any], better: Mapping[str, Any]) -> list[str]:
    known = after["value"] is not None
    before = after["value"] - better["value"] if known else None
    form = f".{metric.digits}f"
    return [
        metric.heading + (", lower is better" if metric.better == "lower" else ""),
        str(after["utterances"]),
        _value(before, metric),
        with_interval(after["value"], after["interval"], form),
        with_interval(better["value"], better["interval"], f"+{form}"),
    ]


def _value(value: float | None, metric: Metric) -> str:
    return "undefined" if value is None else f"{value:.{metric.digits}f}"


def band_notes(metrics: Sequence[Metric], rate: int) -> list[str]:
    """Which PESQ was measured at this rate, and what DNSMOS was given."""
    libraries = {library for metric in metrics for library in metric.library.split()}
    notes = []
    if "pesq" in libraries and rate == 16000:
        notes.append("PESQ is wide-band (MOS-LQO of P.862.2), in CSIG, CBAK and COVL too")
    elif "pesq" in libraries and rate == 8000:
        notes.append("PESQ is narrow-band (MOS-LQO of P.862.1); CSIG, CBAK and COVL take the raw score of P.862")
    elif "pesq" in libraries and rate > 16000:
        notes.append(
            f"PESQ is wide-band (MOS-LQO of P.862.2), of signals brought from {rate} to 16000 Hz; CSIG, CBAK and COVL "
            "are undefined at this rate"
        )
    if "speechmos" in libraries and rate != 16000:
        lost = f", where nothing sounds above {rate // 2} Hz" if rate < 16000 else ""
        notes.append(f"DNSMOS is of signals brought from {rate} to 16000 Hz{lost}")
    return notes
