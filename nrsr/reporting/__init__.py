"""How figures are shown: tables in text and Markdown, the results file, figures, and where the numbers come from."""

from nrsr.reporting.config_differences import config_differences
from nrsr.reporting.figure import draw_wer_over_snr
from nrsr.reporting.provenance import provenance
from nrsr.reporting.results import results_tables
from nrsr.reporting.results_file import ResultsFileError, write_results
from nrsr.reporting.tables import Table
from nrsr.reporting.wer_tables import comparison_table, wer_tables

__all__ = [
    "ResultsFileError",
    "Table",
    "comparison_table",
    "config_differences",
    "draw_wer_over_snr",
    "provenance",
    "results_tables",
    "wer_tables",
    "write_results",
]
