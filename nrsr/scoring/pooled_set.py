"""The runs of several systems on one test set: values with intervals, deviations over seeds, paired differences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nrsr.scoring.bootstrap import interval, probability_of_improvement, resampled_group_sums
from nrsr.scoring.experiments import Run
from nrsr.scoring.labels import ORIGINAL, SNR, ScoringError, comparable, drawn_together, group_by
from nrsr.scoring.metric import Metric
from nrsr.scoring.table import UNKNOWN, ScoreTable

PRIMARY = "primary"
ALL, EACH = "all", "each"  # primary conditions that name no SNRs: all utterances together, the mean over every SNR

# Counts that add up: name -> [..., SNRs].
Counts = dict[str, np.ndarray]


class PooledSet:
    """The utterances of all folds in a row, and what each run counted there.

    Where runs were scored on different utterances, as generated ones are, these are the utterances of all of them.

    Attributes:
        conditions: ALL, the SNRs, and PRIMARY where the set has the SNRs that it asks for -> numbers of the SNRs.
        primary: SNRs whose mean is the primary value, as they are spelled.

    Args:
        runs: system -> its runs, each with a table of the set.
        primary: SNRs, or ALL or EACH alone.
        speakers: draw speakers in place of utterances.

    Raises:
        ScoringError: speakers to draw, of utterances that have none.
    """

    def __init__(
        self,
        name: str,
        runs: Mapping[str, Sequence[Run]],
        metrics: Sequence[Metric],
        primary: Sequence[str],
        speakers: bool = False,
    ):
        self.name, self.metrics = name, list(metrics)
        self.runs = {system: [run for run in system_runs if name in run.scores] for system, system_runs in runs.items()}
        self.runs = {system: system_runs for system, system_runs in self.runs.items() if system_runs}
        tables: dict[int, list[ScoreTable]] = {}
        for run in (run for system_runs in self.runs.values() for run in system_runs):
            tables.setdefault(run.pair[0], []).append(run.scores[name])
        self.start, self.length, self.fold_utterances = {}, 0, {}
        labels: dict[str, list[np.ndarray]] = {"noisefile": [], SNR: [], "noise": [], "spk": [], ORIGINAL: []}
        for fold, fold_tables in sorted(tables.items()):
            self.fold_utterances[fold] = np.unique(np.concatenate([table.utterances for table in fold_tables]))
            self.start[fold] = self.length
            self.length += len(self.fold_utterances[fold])
            for label, values in labels.items():
                values.append(self._labels(fold_tables, label, fold))
        self.utterances = np.concatenate(list(self.fold_utterances.values()))
        self.noises, self.speakers = np.concatenate(labels["noisefile"]), np.concatenate(labels["spk"])
        self.noise_types, self.noise_type_of = group_by("noise", np.concatenate(labels["noise"]))
        if speakers and (self.speakers == UNKNOWN).any():
            raise ScoringError(f"{name}: utterances without a speaker, and speakers are to be drawn; score with --data")
        self.groups = drawn_together(self.utterances, np.concatenate(labels[ORIGINAL]))
        self.drawn = self.speakers if speakers else self.groups
        together = [fold_tables[-1] for _, fold_tables in sorted(tables.items())]
        snrs, self.snr_of = group_by(SNR, np.concatenate(labels[SNR]))
        self.snrs = [] if snrs == [UNKNOWN] else snrs
        self.sizes = {
            metric.base: int(sum(metric.counts(table)[metric.base].sum() for table in together))
            for metric in self.metrics
            if metric.base
        }
        self.conditions = {ALL: list(range(len(snrs)))} | {snr: [number] for number, snr in enumerate(self.snrs)}
        self.primary = self._primary(primary)
        if self.primary:
            self.conditions[PRIMARY] = [snrs.index(snr) for snr in self.primary]
        self._counted: dict[tuple[int, str], tuple[Counts, np.ndarray]] = {}

    def _labels(self, tables: Sequence[ScoreTable], label: str, fold: int) -> np.ndarray:
        """A label of each utterance of a fold, from whichever table has the utterance."""
        values = np.full(len(self.fold_utterances[fold]), UNKNOWN, dtype=object)
        for table in (table for table in tables if table.has(label)):
            values[self._places(table, fold)] = table.label(label)
        return values.astype(str)

    def _places(self, table: ScoreTable, fold: int) -> np.ndarray:
        """Where the utterances of a table are among those of its fold."""
        return np.searchsorted(self.fold_utterances[fold], table.utterances)

    def _primary(self, asked: Sequence[str]) -> list[str]:
        if list(asked) == [ALL] or not self.snrs:
            return []
        if list(asked) == [EACH]:
            return [snr for snr in self.snrs if snr != UNKNOWN]
        spelled = {comparable(SNR, snr): snr for snr in self.snrs}
        keys = [comparable(SNR, snr) for snr in asked]
        return [spelled[key] for key in keys] if set(keys) <= spelled.keys() else []

    def units(self) -> list[np.ndarray]:
        """What a bootstrap draws: groups of utterances, an id's in all folds together, or speakers; and noises."""
        return [self.drawn, self.noises] if (self.noises != UNKNOWN).any() else [self.drawn]

    def counts_of(self, table: ScoreTable, metric: Metric) -> tuple[Counts, np.ndarray]:
        """What a table counts for each utterance, 0 where it has no value; and where it has one [U]."""
        key = id(table), metric.name
        if key not in self._counted:
            counts = metric.counts(table)
            known = ~np.isnan(np.stack(list(counts.values()))).any(axis=0)
            self._counted[key] = {name: np.where(known, values, 0.0) for name, values in counts.items()}, known
        return self._counted[key]

    def sums(self, runs: Sequence[Run], metric: Metric, paired: Sequence[Run] | None = None) -> Counts:
        """Counts of each utterance, summed over runs: name -> [rows].

        Args:
            paired: as many runs of another system; an utterance counts where both runs have a value, if both have it.
        """
        totals: Counts = {}
        for number, run in enumerate(runs):
            table, fold = run.scores[self.name], run.pair[0]
            counts, known = self.counts_of(table, metric)
            if paired and np.array_equal(table.utterances, paired[number].scores[self.name].utterances):
                known = known & self.counts_of(paired[number].scores[self.name], metric)[1]
            places = self.start[fold] + self._places(table, fold)
            for name, values in counts.items():
                totals.setdefault(name, np.zeros(self.length))[places] += values * known
        return totals

    def values(self, metric: Metric, sums: Counts) -> dict[str, np.ndarray]:
        """The value [...] of each condition from sums [..., SNRs]; several SNRs count alike."""
        by_snr = metric.value(sums)
        by_condition = {condition: by_snr[..., numbers].mean(axis=-1) for condition, numbers in self.conditions.items()}
        return by_condition | {ALL: metric.value({name: values.sum(axis=-1) for name, values in sums.items()})}

    def observed(self, metric: Metric, sums: Counts) -> dict[str, np.ndarray]:
        """The value of each condition for the utterances as they are, from counts [rows]."""
        groups = max(len(self.snrs), 1)
        return self.values(metric, {name: np.bincount(self.snr_of, counts, groups) for name, counts in sums.items()})

    def summary(self, versus: Mapping[str, Sequence[str]], draws: int, seed: int) -> dict[str, Any]:
        """Values of the systems and their differences to baselines, all from the same draws.

        Args:
            versus: system -> the baselines that it is compared with.
        """
        pairs = {
            (system, baseline): common
            for system in self.runs
            for baseline in versus.get(system, ())
            if (common := self._common(system, baseline))
        }
        parts: dict[tuple, Counts] = {}
        for metric in self.metrics:
            for system, runs in self.runs.items():
                parts[metric.name, system] = self.sums(runs, metric)
            for pair, (runs, versus_runs) in pairs.items():
                parts[(metric.name, *pair, 0)] = self.sums(runs, metric, versus_runs)
                parts[(metric.name, *pair, 1)] = self.sums(versus_runs, metric, runs)
        drawn = self._drawn(parts, draws, seed)
        return {
            "snrs": self.snrs,
            "primary": self.primary,
            "sizes": self.sizes,
            "utterances": len(set(self.utterances.tolist())),
            "groups": len(set(self.groups.tolist())),
            "speakers": len(set(self.speakers.tolist()) - {UNKNOWN}),
            "noise_recordings": len(set(self.noises.tolist()) - {UNKNOWN}),
            "by_noise": {system: self._by_noise(runs) for system, runs in self.runs.items()},
            "runs": {system: Counter(run.pair[0] for run in runs) for system, runs in self.runs.items()},  # by fold
            "by_fold": {system: self._by_fold(runs) for system, runs in self.runs.items()},
            "systems": {
                system: {
                    metric.name: self._statistics(metric, runs, parts[metric.name, system], drawn[metric.name, system])
                    for metric in self.metrics
                }
                for system, runs in self.runs.items()
            },
            "comparisons": [
                {
                    "system": pair[0],
                    "versus": pair[1],
                    "pairs": len(common[0]),
                    "metrics": {
                        metric.name: self._differences(metric, pair, common, parts, drawn) for metric in self.metrics
                    },
                }
                for pair, common in pairs.items()
            ],
        }

    def _by_noise(self, runs: Sequence[Run]) -> dict[str, dict[str, float | None]]:
        """Values over all SNRs: metric -> noise type -> value; none without noise types."""
        if self.noise_types == [UNKNOWN]:
            return {}
        values = {}
        for metric in self.metrics:
            sums = self.sums(runs, metric)
            counted = {
                name: np.bincount(self.noise_type_of, counts, len(self.noise_types)) for name, counts in sums.items()
            }
            values[metric.name] = dict(zip(self.noise_types, map(_number, metric.value(counted)), strict=True))
        return values

    def _by_fold(self, runs: Sequence[Run]) -> dict[str, dict[int, float | None]]:
        """Values of the main condition, seeds pooled: metric -> fold -> value."""
        condition = PRIMARY if self.primary else ALL
        values: dict[str, dict[int, float | None]] = {}
        for metric in self.metrics:
            for fold in sorted({run.pair[0] for run in runs}):
                fold_runs = [run for run in runs if run.pair[0] == fold]
                value = self.observed(metric, self.sums(fold_runs, metric))[condition]
                values.setdefault(metric.name, {})[fold] = _number(value)
        return values

    def _common(self, system: str, baseline: str) -> tuple[list[Run], list[Run]] | None:
        """The runs of two systems that have a fold and seed in common, in the same order."""
        baseline_runs = {run.pair: run for run in self.runs.get(baseline, ())}
        runs = [run for run in self.runs[system] if run.pair in baseline_runs]
        return (runs, [baseline_runs[run.pair] for run in runs]) if runs else None

    def _drawn(self, parts: Mapping[tuple, Counts], draws: int, seed: int) -> dict[tuple, Counts]:
        """The sums of each part in each draw: name -> [draws, SNRs]."""
        columns = [values for counts in parts.values() for values in counts.values()]
        (sums,) = resampled_group_sums(np.stack(columns, axis=1), self.units(), [self.snr_of], draws, seed)
        places = iter(range(len(columns)))
        return {part: {name: sums[..., next(places)] for name in counts} for part, counts in parts.items()}

    def _statistics(self, metric: Metric, runs: Sequence[Run], counts: Counts, drawn: Counts) -> dict[str, Any]:
        observed, samples = self.observed(metric, counts), self.values(metric, drawn)
        deviations = self._deviations([runs], lambda seed_runs: self.observed(metric, self.sums(seed_runs, metric)))
        return {
            condition: {
                "value": _number(observed[condition]),
                "interval": interval(samples[condition]),
                "seed_deviation": deviations.get(condition),
            }
            for condition in self.conditions
        }

    def _deviations(self, systems: Sequence[Sequence[Run]], values: Any) -> dict[str, float]:
        """Standard deviation (n - 1) of each condition's value over the seeds that have all folds of some runs.

        Args:
            systems: runs of one system, or of two, those of the same fold and seed in the same place.
            values: runs of one seed, of each system -> condition -> value.
        """
        pairs = [runs[0].pair for runs in zip(*systems, strict=True)]
        folds = {fold for fold, _ in pairs}
        whole = []
        for seed in sorted({seed for _, seed in pairs}):
            places = [place for place, pair in enumerate(pairs) if pair[1] == seed]
            if {pairs[place][0] for place in places} == folds:
                whole.append(values(*([runs[place] for place in places] for runs in systems)))
        once = all(len({run.path for run in runs}) == len(folds) for runs in systems)  # one training for all seeds
        if len(whole) < 2 or once:
            return {}
        deviations = {
            condition: float(np.std([seed_values[condition] for seed_values in whole], ddof=1))
            for condition in self.conditions
        }
        return {condition: deviation for condition, deviation in deviations.items() if not np.isnan(deviation)}

    def _differences(
        self, metric: Metric, pair: tuple[str, str], common: tuple[list[Run], list[Run]], parts: Mapping, drawn: Mapping
    ) -> dict[str, Any]:
        keys = [(metric.name, *pair, side) for side in (0, 1)]
        observed, versus = (self.observed(metric, parts[key]) for key in keys)
        samples, versus_samples = (self.values(metric, drawn[key]) for key in keys)

        def of_seed(runs: Sequence[Run], paired: Sequence[Run]) -> dict[str, np.ndarray]:
            seed_values = self.observed(metric, self.sums(runs, metric, paired))
            versus_values = self.observed(metric, self.sums(paired, metric, runs))
            return {condition: seed_values[condition] - versus_values[condition] for condition in self.conditions}

        deviations = self._deviations(common, of_seed)
        differences = {}
        for condition in self.conditions:
            difference = observed[condition] - versus[condition]
            drawn_differences = samples[condition] - versus_samples[condition]
            differences[condition] = {
                "value": _number(observed[condition]),
                "versus_value": _number(versus[condition]),
                "difference": _number(difference),
                "interval": interval(drawn_differences),
                "relative": _number(100 * difference / versus[condition]) if versus[condition] > 0 else None,
                "probability_of_improvement": probability_of_improvement(drawn_differences, metric.better),
                "seed_deviation": deviations.get(condition),
            }
        return differences


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
