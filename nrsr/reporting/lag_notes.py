"""Notes on lags: which systems were scored although their signals are not in time with the clean speech."""

import json
from collections.abc import Sequence
from pathlib import Path

from nrsr.scoring.experiments import ExperimentsError, Run


def lag_notes(runs: Sequence[Run]) -> list[str]:
    """A line for each set and kind of signal that lags, with the utterances of each system; none where none lags.

    Lags are those that `nrsr score-se --allow-lag` has written into scores.json.

    Raises:
        ExperimentsError: a damaged scores.json.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}  # (set, kind) -> system -> utterances
    sizes: dict[tuple[str, str], int] = {}  # (set, system) -> utterances, of all runs
    for run in runs:
        for name, table in run.scores.items():
            sizes[name, run.system] = sizes.get((name, run.system), 0) + len(table.utterances)
            for kind, late in _lags(Path(table.path).with_name("scores.json")).items():
                systems = counts.setdefault((name, kind), {})
                systems[run.system] = systems.get(run.system, 0) + len(late)
    return [
        f"{name}: the {kind} is later or earlier than the clean speech, and was scored as it is, in "
        + ", ".join(f"{late} of {sizes[name, system]} utterances of {system}" for system, late in systems.items())
        + "; scores.json of a run lists them."
        for (name, kind), systems in counts.items()
    ]


def _lags(path: Path) -> dict[str, dict[str, int]]:
    """Kind of signal -> utterance -> samples; none where the command that scored looks for no lags."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("lags", {})
    except (ValueError, AttributeError) as error:
        raise ExperimentsError(f"{path}: is no JSON object ({error}); score the set again") from error
