"""Notes on metrics that some utterances have no value of, as PESQ where it finds no speech."""

from collections.abc import Sequence

import numpy as np

from nrsr.scoring.experiments import Run
from nrsr.scoring.metric import Metric


def undefined_notes(runs: Sequence[Run], metrics: Sequence[Metric]) -> list[str]:
    """A line for each set and metric that lacks values, with the numbers of utterances over which it is taken.

    They are those of one run, of a system's runs the one with the fewest; systems are named where they differ.
    """
    notes = []
    for name in dict.fromkeys(name for run in runs for name in run.scores):
        scored = [run for run in runs if name in run.scores]
        for metric in metrics:
            fewest: dict[str, tuple[int, int]] = {}  # system -> utterances with a value, all utterances
            for run in scored:
                counts = np.stack(list(metric.counts(run.scores[name]).values()))
                defined = int((~np.isnan(counts).any(axis=0)).sum()), counts.shape[1]
                fewest[run.system] = min(fewest.get(run.system, defined), defined)
            systems: dict[tuple[int, int], list[str]] = {}
            for system, counted in fewest.items():
                systems.setdefault(counted, []).append(system)
            if any(defined < size for defined, size in systems):
                amounts = [
                    f"{defined} of {size} utterances" + (f" ({', '.join(group)})" if len(systems) > 1 else "")
                    for (defined, size), group in systems.items()
                ]
                notes.append(f"{name}: {metric.title} is over {', '.join(amounts)}; the others have no value.")
    return notes
