"""The tables of a scored separation (sep.txt, and what `nrsr score-sep` prints), from the content of sep.json."""

from collections.abc import Mapping
from typing import Any

from nrsr.reporting.tables import Table, with_interval

NAMES = {"si_snr": "SI-SNR", "sdr": "SDR", "pesq": "PESQ", "stoi": "STOI"}
FORMS = {"si_snr": ".2f", "sdr": ".2f", "pesq": ".3f", "stoi": ".4f"}
BREAKDOWNS = {"noise": "noise", "snr": "SNR in dB"}


def heading(measure: str) -> str:
    """SI-SNRi of si_snr_i."""
    return NAMES[measure.removesuffix("_i")] + ("i" if measure.endswith("_i") else "")


def separation_tables(summary: Mapping[str, Any]) -> list[Table]:
    """One table in all and one for each breakdown that the data directory allows.

    Args:
        summary: of `nrsr.scoring.separation_sets.means`.
    """
    bootstrap = summary["bootstrap"]
    over = " and ".join(bootstrap["over"])
    note = (
        f"means over mixtures of the mean over speakers, [95 % interval] by bootstrap over {over} "
        f"({bootstrap['draws']} draws); improvement (i) is against the noisy mixture"
    )
    tables = [_table("set", {"all": summary["total"]}, (note,))]
    return tables + [_table(name, summary[key]) for key, name in BREAKDOWNS.items() if key in summary]


def _table(name: str, rows: Mapping[str, Mapping[str, Any]], notes: tuple[str, ...] = ()) -> Table:
    measures = list(next(iter(rows.values())))
    header = [name, "mixtures", *(heading(measure) for measure in measures)]
    lines = [[label, str(max(f["mixtures"] for f in row.values())), *_cells(row)] for label, row in rows.items()]
    return Table("", header, lines, notes)


def _cells(row: Mapping[str, Any], sign: str = "") -> list[str]:
    return [
        with_interval(figure["mean"], figure["interval"], sign + FORMS[measure.removesuffix("_i")])
        for measure, figure in row.items()
    ]


def separation_comparison(comparison: Mapping[str, Any], versus: str) -> Table:
    """Paired differences of `nrsr.scoring.separation_sets.compare` with what stands in the folder `versus`."""
    row = {measure: figure for measure, figure in comparison.items() if not measure.endswith("_i")}
    header = ["difference", *(heading(measure) for measure in row)]
    return Table(f"paired with {versus} (above 0: better than it)", header, [["all", *_cells(row, "+")]])
