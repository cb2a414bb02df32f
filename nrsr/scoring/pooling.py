"""Figures of systems over their seeds and folds, and paired differences to a baseline.

The figure of a set with noise is the mean over SNRs of the WERs, each pooled over seeds and folds (errors of all runs
over words of all runs); a run without a seed stands for each seed that others have. Intervals come from drawing strings
and noise recordings (`nrsr.scoring.bootstrap`); the runs of all seeds on one string are drawn together, since they
share its difficulty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nrsr.scoring.bootstrap import DRAWS, SEED, interval, ratios, resampled_sums
from nrsr.scoring.comparison import improvement
from nrsr.scoring.experiments import Run
from nrsr.scoring.utterances import UNKNOWN, Scores
from nrsr.scoring.wer import drawn_units, label_order

PRIMARY = "primary"


def pool_runs(
    runs: Sequence[Run],
    sets: Sequence[str],
    baselines: Sequence[str],
    primary: Sequence[str] = ("-5", "0", "5"),
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Any]:
    """The content of a results table.

    Args:
        baselines: systems that all others are compared with, the first one the first row of the tables;
            `BASELINE-TAG` where it is there for a system `NAME-TAG`.
        primary: labels of the SNRs whose mean is the primary figure.

    Returns:
        "systems": name -> its "seeds", "folds" and "missing" runs; "sets": set -> "snrs", "words", "strings",
        "noise_recordings", "systems": name -> figures, "comparisons": paired differences. Figures are named by SNR,
        "primary", or "all" for a set without noise.
    """
    once = {run.system for run in runs if run.seed is None}
    by_system: dict[str, list[Run]] = {}
    for run in for_each_seed(runs):
        by_system.setdefault(run.system, []).append(run)
    expected = {run.pair for own in by_system.values() for run in own}
    versus = {name: compared_with(name, baselines, by_system) for name in by_system}
    leading = baselines[0]
    by_system = dict(
        sorted(by_system.items(), key=lambda item: (baseline_of(item[0], leading, by_system) is not None, item[0]))
    )
    found = [name for name in sets if any(name in run.scores for run in runs)]
    return {
        "primary": list(primary),
        "bootstrap": {"draws": draws, "seed": seed},
        "baselines_missing": [
            baseline
            for baseline in baselines
            if not any(baseline in (name, name.partition("-")[0]) for name in by_system)
        ],
        "sets_not_scored": [name for name in sets if name not in found],
        "systems": {name: _system(own, expected, found, name in once) for name, own in by_system.items()},
        "sets": {name: _PooledSet(name, by_system, primary, draws, seed).summary(versus) for name in found},
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
    """The systems to compare with; a baseline is compared with those before it, so that no pair stands twice."""
    own = system.partition("-")[0]
    before = baselines[: list(baselines).index(own) + 1] if own in baselines else baselines
    return [other for baseline in before if (other := baseline_of(system, baseline, systems)) is not None]


def baseline_of(system: str, baseline: str, systems: Mapping[str, Any]) -> str | None:
    """The system to compare with: the baseline with the same tag, else the baseline; None where there is none."""
    _, dash, tag = system.partition("-")
    for name in (f"{baseline}{dash}{tag}", baseline):
        if name in systems and name != system:
            return name
    return None


def _system(own: Sequence[Run], expected: set[tuple[int, int]], sets: Sequence[str], once: bool) -> dict[str, Any]:
    """Seeds and folds of one system that were scored on some set, and the runs that others have and it lacks."""
    scored = {run.pair: run.scores.keys() for run in own if run.scores}
    missing = []
    for pair in sorted(expected):
        lacking = [name for name in sets if name not in scored.get(pair, ())]
        if lacking:
            fold = "" if pair[0] < 0 else f"fold {pair[0]} "
            missing.append(f"{fold}seed {pair[1]}" + ("" if len(lacking) == len(sets) else f" on {', '.join(lacking)}"))
    return {
        "seeds": [] if once else sorted({pair[1] for pair in scored}),
        "folds": sorted({pair[0] for pair in scored} - {-1}),
        "runs": len({run.path for run in own if run.scores}),
        "missing": missing,
    }


class _PooledSet:
    """The runs of all systems on one test set, laid out as rows of (fold, utterance)."""

    def __init__(
        self, name: str, by_system: Mapping[str, Sequence[Run]], primary: Sequence[str], draws: int, seed: int
    ):
        self.name, self.draws, self.seed = name, draws, seed
        self.runs = {system: [run for run in own if name in run.scores] for system, own in by_system.items()}
        self.runs = {system: own for system, own in self.runs.items() if own}
        folds = {run.pair[0]: run.scores[name] for own in self.runs.values() for run in own}
        self.start, self.length = {}, 0
        for fold, scores in sorted(folds.items()):
            self.start[fold] = self.length
            self.length += len(scores)
        together = [scores for _, scores in sorted(folds.items())]
        self.rows = Scores({c: np.concatenate([s[c] for s in together]) for c in ("utt", "noisefile", "snr", "words")})
        self.snrs = sorted(set(self.rows["snr"].tolist()), key=label_order)
        if self.snrs == [UNKNOWN]:
            self.figures = {"all": [0]}
        else:
            self.figures = {snr: [number] for number, snr in enumerate(self.snrs)}
            if set(primary) <= set(self.snrs):
                self.figures[PRIMARY] = [self.snrs.index(snr) for snr in primary]

    def counts(self, runs: Sequence[Run]) -> np.ndarray:
        """Errors and words of some runs per row and SNR, summed over the runs: [U, SNRs, 2]."""
        totals = np.zeros((self.length, 2))
        for run in runs:
            scores, start = run.scores[self.name], self.start[run.pair[0]]
            totals[start : start + len(scores)] += np.stack([scores["errors"], scores["words"]], axis=1)
        of_snr = self.rows["snr"][:, None] == np.array(self.snrs)
        return totals[:, None, :] * of_snr[:, :, None]

    def rates(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Each figure [...] from sums [..., SNRs, 2] of errors and words."""
        wer = ratios(sums[..., 0], sums[..., 1])
        return {figure: wer[..., numbers].mean(axis=-1) for figure, numbers in self.figures.items()}

    def summary(self, versus: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Figures of the systems and their differences to the baselines, all from the same draws."""
        parts = dict(self.runs)
        pairs = {}
        for system, own in self.runs.items():
            for baseline in versus[system]:
                other = self.runs.get(baseline, [])
                common = {run.pair for run in own} & {run.pair for run in other}
                if common:
                    pairs[system, baseline] = len(common)
                    parts[system, baseline, "own"] = [run for run in own if run.pair in common]
                    parts[system, baseline, "versus"] = [run for run in other if run.pair in common]
        counts = {part: self.counts(runs) for part, runs in parts.items()}
        values = np.concatenate([count.reshape(self.length, -1) for count in counts.values()], axis=1)
        sums = resampled_sums(values, drawn_units(self.rows), self.draws, self.seed)
        sums = sums.reshape(self.draws, len(counts), len(self.snrs), 2)
        observed = {part: self.rates(count.sum(axis=0)) for part, count in counts.items()}
        drawn = {part: self.rates(sums[:, number]) for number, part in enumerate(counts)}
        return {
            "snrs": [] if self.snrs == [UNKNOWN] else self.snrs,
            "strings": len(set(self.rows["utt"].tolist())),
            "words": int(self.rows["words"].sum()),
            "noise_recordings": len(set(self.rows["noisefile"].tolist()) - {UNKNOWN}),
            "systems": {system: self._figures(system, observed[system], drawn[system]) for system in self.runs},
            "comparisons": [
                {
                    "system": pair[0],
                    "versus": pair[1],
                    "pairs": number,
                    "figures": self._differences(pair, observed, drawn),
                }
                for pair, number in pairs.items()
            ],
        }

    def _figures(self, system: str, observed: Mapping, drawn: Mapping) -> dict[str, Any]:
        deviations = self._seed_deviations(self.runs[system])
        return {
            figure: {
                "wer": _number(observed[figure]),
                "interval": interval(drawn[figure]),
                "seed_deviation": deviations.get(figure),
            }
            for figure in self.figures
        }

    def _seed_deviations(self, runs: Sequence[Run]) -> dict[str, float]:
        """Standard deviation (n - 1) of each figure over the seeds that have all folds of the system."""
        folds = {run.pair[0] for run in runs}
        of_seed = [[run for run in runs if run.seed == seed] for seed in sorted({run.seed for run in runs})]
        whole = [self.rates(self.counts(own).sum(axis=0)) for own in of_seed if {r.pair[0] for r in own} == folds]
        if len(whole) < 2 or len({run.path for run in runs}) == len(folds):  # one training for all seeds
            return {}
        return {figure: float(np.std([rates[figure] for rates in whole], ddof=1)) for figure in self.figures}

    def _differences(self, pair: tuple[str, str], observed: Mapping, drawn: Mapping) -> dict[str, Any]:
        differences = {}
        for figure in self.figures:
            own, other = observed[(*pair, "own")][figure], observed[(*pair, "versus")][figure]
            samples = drawn[(*pair, "own")][figure] - drawn[(*pair, "versus")][figure]
            differences[figure] = {
                "wer": _number(own),
                "versus_wer": _number(other),
                "difference": _number(own - other),
                "interval": interval(samples),
                "relative": _number(100 * (own - other) / other) if other > 0 else None,
                "probability_of_improvement": improvement(samples),
            }
        return differences


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
