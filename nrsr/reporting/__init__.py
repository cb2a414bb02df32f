"""How scores are shown: tables in text and Markdown, the results file, figures, and where the numbers come from."""

from nrsr.reporting.config_differences import config_differences
from nrsr.reporting.figure import draw_over_snr
from nrsr.reporting.provenance import provenance
from nrsr.reporting.published import PublishedError, read_published
from nrsr.reporting.results import results_tables
from nrsr.reporting.results_file import ResultsFileError, write_results
from nrsr.reporting.set_tables import comparison_table, set_tables
from nrsr.reporting.tables import Table

__all__ = [
    "PublishedError",
    "ResultsFileError",
    "Table",
    "comparison_table",
    "config_differences",
    "draw_over_snr",
    "provenance",
    "read_published",
    "results_tables",
    "set_tables",
    "write_results",
]
