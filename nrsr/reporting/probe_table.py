"""The table of probes: how well new classifiers recognise the noise from the hidden layers of each trained system."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from nrsr.errors import NrsrError
from nrsr.reporting.tables import Table


class ProbeFileError(NrsrError):
    """A probe.json that is not one."""


def probe_table(systems: Mapping[str, Sequence[Path]]) -> Table | None:
    """Accuracies over utterances in per cent, the mean of a system's runs, with chance in brackets; None without any.

    Args:
        systems: name -> folders of its runs, in which decode_<set>/probe.json and probe_<what>.json are looked for.

    Raises:
        ProbeFileError: a file that nrsr probe did not write.
    """
    by_system = {system: _probes(folders) for system, folders in systems.items()}
    by_system = {system: sets for system, sets in by_system.items() if sets}
    if not by_system:
        return None
    columns = list(dict.fromkeys(name for sets in by_system.values() for name in sets))
    rows = [[system, *(_cell(sets.get(name, [])) for name in columns)] for system, sets in by_system.items()]
    notes = [
        "Accuracy of a new classifier over utterances, mean of the runs (chance: the share of the most frequent kind)."
    ]
    for name in columns:
        probes = [probe for sets in by_system.values() for probe in sets.get(name, [])]
        asked = sorted({_question(probe) for probe in probes})
        notes.append(f"{name}: {'; '.join(asked)}; at least {min(map(_utterances, probes))} utterances.")
    return Table("Probes for the noise (%)", ["system", *columns], rows, notes)


def _probes(folders: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """Test set, with what was asked where the file says so -> contents of the file in each run that has one."""
    by_set: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        for path in sorted(folder.glob("decode_*/probe*.json")):
            try:
                probe = json.loads(path.read_text(encoding="utf-8"))
                _cell([probe])
                _question(probe), _utterances(probe)
            except (ValueError, KeyError, TypeError):
                raise ProbeFileError(f"{path}: is not what nrsr probe writes; run it again") from None
            asked = path.stem.removeprefix("probe").replace("_", " ")
            by_set.setdefault(path.parent.name.removeprefix("decode_") + asked, []).append(probe)
    return by_set


def _cell(probes: Sequence[Mapping[str, Any]]) -> str:
    if not probes:
        return "-"
    accuracy, chance = (fmean(probe["utterance"][key] for probe in probes) for key in ("accuracy", "chance"))
    return f"{accuracy:.1f} ({chance:.1f})"


def _question(probe: Mapping[str, Any]) -> str:
    labels = probe["labels"]
    what = f"{labels['against']} or not" if labels["against"] else f"which of {len(probe['classes'])} kinds"
    return f"{what} ({labels['file']}), layer {probe['layer'] or 'the last'}"


def _utterances(probe: Mapping[str, Any]) -> int:
    return probe["utterances"]
