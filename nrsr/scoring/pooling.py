"""Systems pooled over their seeds and folds, whatever the metric, and paired differences to baselines.

A value is that of the counts of all runs together (for WER errors over words); that of a set with noise may be the mean
over SNRs of these. A run without a seed counts for each seed that others have. Intervals come from drawing utterances
and noise recordings (`nrsr.scoring.bootstrap`); the runs of all seeds and folds on one utterance are drawn together,
since they share its difficulty, and so are the utterances of one mixture or original (utt2uniq). Where speakers are
drawn, so are those on all that a speaker says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.experiments import Run
from nrsr.scoring.metric import Metric
from nrsr.scoring.pooled_set import PooledSet


def pool_runs(
    runs: Sequence[Run],
    sets: Sequence[str],
    baselines: Sequence[str],
    metrics: Sequence[Metric],
    primary: Sequence[str],
    draws: int = DRAWS,
    seed: int = SEED,
    *,
    speakers: bool = False,
) -> dict[str, Any]:
    """The content of a results file.

    Args:
        baselines: systems that all others are compared with, the first one the first row of the tables;
            `BASELINE-TAG` where it is there for a system `NAME-TAG`, and `BASELINE-TAG2` for `NAME-TAG1-TAG2`.
        metrics: the main ones first.
        primary: labels of the SNRs whose mean is the primary value, or "all" or "each" alone
            (`nrsr.scoring.pooled_set`).
        speakers: draw speakers for the intervals, with all that they say, in place of utterances.

    Returns:
        "systems": name -> its "seeds", "folds" and "missing" runs; "sets": set -> what `PooledSet.summary` gives, with
        values by SNR, "all" and "primary"; "metrics", "primary", "bootstrap", and what was asked for in vain.
    """
    once = {run.system for run in runs if run.seed is None}
    by_system: dict[str, list[Run]] = {}
    for run in for_each_seed(runs):
        by_system.setdefault(run.system, []).append(run)
    expected = {run.pair for system_runs in by_system.values() for run in system_runs}
    versus = {name: compared_with(name, baselines, by_system) for name in by_system}
    leading = baselines[0]
    by_system = dict(
        sorted(by_system.items(), key=lambda item: (baseline_of(item[0], leading, by_system) is not None, item[0]))
    )
    scored = [name for name in sets if any(name in run.scores for run in runs)]
    return {
        "metrics": list(metrics),
        "primary": list(primary),
        "bootstrap": {"draws": draws, "seed": seed, "speakers": speakers},
        "baselines_missing": [
            baseline
            for baseline in baselines
            if not any(baseline in (name, name.partition("-")[0]) for name in by_system)
        ],
        "sets_not_scored": [name for name in sets if name not in scored],
        "systems": {
            name: _system(system_runs, expected, scored, name in once) for name, system_runs in by_system.items()
        },
        "sets": {
            name: PooledSet(name, by_system, metrics, primary, speakers).summary(versus, draws, seed) for name in scored
        },
    }


def for_each_seed(runs: Sequence[Run]) -> list[Run]:
    """The runs, with one that has no seed repeated for each seed that other systems have in its fold."""
    seeds: dict[int | None, set[int]] = {}
    for run in runs:
        if run.seed is not None:
            seeds.setdefault(run.fold, set()).add(run.seed)
    return [
        replace(run, seed=seed)
        for run in runs
        for seed in (sorted(seeds.get(run.fold, ())) or [None] if run.seed is None else [run.seed])
    ]


def compared_with(system: str, baselines: Sequence[str], systems: Mapping[str, Any]) -> list[str]:
    """The systems to compare with; a baseline is compared with those before it, so that no pair is listed twice."""
    name = system.partition("-")[0]
    before = baselines[: list(baselines).index(name) + 1] if name in baselines else baselines
    return [tagged for baseline in before if (tagged := baseline_of(system, baseline, systems)) is not None]


def baseline_of(system: str, baseline: str, systems: Mapping[str, Any]) -> str | None:
    """The system to compare with: the baseline with the same tags, else with fewer, the last ones; None without any."""
    _, *tags = system.split("-")
    names = ("-".join([baseline, *tags[start:]]) for start in range(len(tags) + 1))
    return next((name for name in names if name in systems and name != system), None)


def _system(runs: Sequence[Run], expected: set[tuple[int, int]], sets: Sequence[str], once: bool) -> dict[str, Any]:
    """Seeds and folds of one system that were scored on some set, and the runs that others have and it lacks."""
    scored = {run.pair: run.scores.keys() for run in runs if run.scores}
    missing = []
    for pair in sorted(expected):
        lacking = [name for name in sets if name not in scored.get(pair, ())]
        if lacking:
            named = [f"{key} {number}" for key, number in zip(("fold", "seed"), pair, strict=True) if number >= 0]
            run = " ".join(named) or "the run without fold and seed"
            missing.append(run + ("" if len(lacking) == len(sets) else f" on {', '.join(lacking)}"))
    return {
        "seeds": [] if once else sorted({pair[1] for pair in scored}),
        "folds": sorted({pair[0] for pair in scored} - {-1}),
        "runs": len({run.path for run in runs if run.scores}),
        "missing": missing,
    }
