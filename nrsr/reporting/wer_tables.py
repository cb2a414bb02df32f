"""The tables of one scored test set (wer.txt, and what `nrsr score-wer` prints), from the content of wer.json."""

from collections.abc import Mapping
from typing import Any

from nrsr.reporting.tables import Table, percent, with_interval

BREAKDOWNS = {"noise": "noise", "snr": "SNR in dB", "speaker": "speaker"}


def wer_tables(summary: Mapping[str, Any], *, cer: bool, speakers: bool) -> list[Table]:
    """One table in all and one for each breakdown that the data directory allows.

    Args:
        summary: of `nrsr.scoring.summarise`.
        cer: add the character error rate.
        speakers: include the table per speaker.
    """
    bootstrap = summary["bootstrap"]
    note = f"WER in %, [95 % interval] by bootstrap over {' and '.join(bootstrap['over'])} ({bootstrap['draws']} draws)"
    tables = [_table("", "set", {"all": summary["total"]}, cer, (note,))]
    for key, name in BREAKDOWNS.items():
        if key in summary and (speakers or key != "speaker"):
            tables.append(_table("", name, summary[key], cer))
    return tables


def _table(title: str, name: str, rows: Mapping[str, Mapping[str, Any]], cer: bool, notes: tuple = ()) -> Table:
    header = [name, "utterances", "with errors", "words", "sub", "del", "ins", "WER"] + (["CER"] if cer else [])
    counts = ("utterances", "utterances_with_errors", "words", "substitutions", "deletions", "insertions")
    lines = [
        [label, *(str(row[count]) for count in counts), with_interval(row["wer"], row["wer_interval"])]
        + ([percent(row["cer"])] if cer else [])
        for label, row in rows.items()
    ]
    return Table(title, header, lines, notes)


def comparison_table(comparison: Mapping[str, Any], versus: str) -> Table:
    """A paired comparison of `nrsr.scoring.compare_scores` with the hypotheses of the file `versus`."""
    relative = comparison["relative"]
    line = [
        with_interval(comparison["difference"], comparison["difference_interval"], "+.2f"),
        percent(comparison["versus_wer"]),
        "undefined" if relative is None else f"{relative:+.1f} %",
        f"{comparison['probability_of_improvement']:.3f}",
    ]
    header = ["difference in WER", "WER of the other", "relative", "probability of improvement"]
    return Table(f"paired with {versus} (below 0: fewer errors than it)", header, [line])
