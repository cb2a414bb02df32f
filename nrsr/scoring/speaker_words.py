"""What a recogniser makes of the separated speakers of an experiments folder, pooled over seeds and folds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nrsr.scoring.experiments import SCORES, find_runs
from nrsr.scoring.pooling import pool_runs
from nrsr.scoring.utterances import UNKNOWN
from nrsr.scoring.wer import label_order


def pool_speaker_words(folder: str | Path, sets: Sequence[str], baseline: str, draws: int) -> dict[str, Any] | None:
    """Word error rates of all runs <system>[_fold<F>]_seed<S>/decode_<set>/score of a folder.

    The primary figure is the mean over all SNRs that the mixtures have.

    Returns:
        what `pool_runs` does; None where nothing was recognised.

    Raises:
        ExperimentsError: two runs of one set and fold that were scored on different utterances.
        ScoreFileError: a damaged table.
    """
    if not any(any(Path(folder).glob(f"*/decode_{name}/{SCORES}")) for name in sets):
        return None
    runs, _ = find_runs(folder, sets)
    found = {snr for run in runs for scores in run.scores.values() for snr in scores["snr"].tolist()}
    return pool_runs(runs, sets, [baseline], sorted(found - {UNKNOWN}, key=label_order), draws)
