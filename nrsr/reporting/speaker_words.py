"""The tables of what a recogniser makes of separated speakers, from the runs of a separation recipe."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nrsr.reporting.results import results_tables
from nrsr.reporting.tables import Table
from nrsr.scoring.experiments import SCORES, find_runs
from nrsr.scoring.pooling import pool_runs
from nrsr.scoring.utterances import UNKNOWN
from nrsr.scoring.wer import label_order


def speaker_words(folder: str | Path, sets: Sequence[str], baseline: str, draws: int) -> list[Table]:
    """WER over the separated speakers of all runs <system>[_fold<F>]_seed<S>/decode_<set>/score of a folder.

    The primary figure is the mean over all SNRs that the mixtures have.

    Returns:
        the tables of a results file of recognition; none where nothing was recognised.

    Raises:
        ExperimentsError: two runs of one set and fold that were scored on different utterances.
        ScoreFileError: a damaged table.
    """
    if not any(any(Path(folder).glob(f"*/decode_{name}/{SCORES}")) for name in sets):
        return []
    runs, _ = find_runs(folder, sets)
    found = {snr for run in runs for scores in run.scores.values() for snr in scores["snr"].tolist()}
    snrs = sorted(found - {UNKNOWN}, key=label_order)
    tables = results_tables(pool_runs(runs, sets, [baseline], snrs, draws))
    return [replace(table, title=f"Separated speakers recognised. {table.title}") for table in tables]
