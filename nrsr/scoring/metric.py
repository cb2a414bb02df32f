"""What a metric is: columns of the scores table, what they add up to over utterances, and the value of such sums."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from nrsr.errors import NrsrError
from nrsr.scoring.table import ScoreTable

FOLDER = "nrsr.scoring.metrics"
IMPROVEMENT = "_i"  # ends the name of a metric's improvement over the unprocessed signal, as in si_snr_i
MEAN = "mean over utterances"
MEAN_OF_WAVES = f"{MEAN}, each of them the mean of its speakers where there are several"
Sums = Mapping[str, np.ndarray]


class MetricError(NrsrError):
    """There is no metric of a name, or its library is missing."""


class UndefinedMeasure(Exception):
    """A metric has no value for these texts or signals; says why."""


@dataclass(frozen=True)
class Metric:
    """One metric, whole: how a row is measured, pooled and shown.

    Attributes:
        name: of the option --metric, and of the file in nrsr/scoring/metrics.
        title: in tables, "WER".
        better: which values are better.
        columns: of the scores table, that the metric writes and reads.
        measure: reference, hypothesis (texts), or source, estimate (waves [T]), rate, or reference, estimate (a number
            for each frame [N]) -> the values of `columns`. Raises UndefinedMeasure. What several metrics need is
            measured once by `nrsr.scoring.signals.once`.
        counts: table -> what adds up over utterances, each [U], NaN where the utterance has no value. The names may
            depend on the table, as those of classes do; what one table lacks counts 0 there.
        value: sums of the counts, each [...] -> values [...], NaN where they are undefined.
        unit: "%" or "dB"; relative differences are shown for "%".
        digits: behind the point.
        meaning: of the pooled value, for a note below a table.
        base: count that says how much was scored ("words").
        takes: whether rows are measured between texts, waves or numbers of frames, or by `nrsr score-gen` for whole
            sets.
        same_data: whether systems can be compared only where they were applied to the same utterances; otherwise each
            may have its own, as generators have.
        reference: whether measuring needs the reference; otherwise it may be None.
        library: optional libraries that measuring needs, with spaces between them.
    """

    name: str
    title: str
    better: Literal["lower", "higher"]
    columns: tuple[str, ...]
    measure: Callable[..., Sequence[float | str]]
    counts: Callable[[ScoreTable], Sums]
    value: Callable[[Sums], np.ndarray]
    unit: str = ""
    digits: int = 2
    meaning: str = ""
    base: str = ""
    takes: Literal["texts", "waves", "frames", "sets"] = "texts"
    same_data: bool = True
    reference: bool = True
    library: str = ""

    @property
    def heading(self) -> str:
        """Title and unit, as "WER in %"."""
        return f"{self.title} in {self.unit}" if self.unit else self.title


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise quotient; NaN where there is nothing to divide by."""
    denominator = np.asarray(denominator, dtype=np.float64)
    return np.divide(numerator, denominator, out=np.full(denominator.shape, np.nan), where=denominator > 0)


def mean_metric(
    name: str, title: str, better: Literal["lower", "higher"], measure: Callable[..., float], **attributes: object
) -> Metric:
    """A metric whose value is the mean over utterances of the mean over an utterance's rows.

    Args:
        measure: as of `Metric`, but it gives one number, the only column.
        attributes: further attributes of `Metric`.
    """

    def counts(table: ScoreTable) -> Sums:
        values = table.averaged(table.numbers(name))
        return {"sum": values, "utterances": np.where(np.isnan(values), np.nan, 1.0)}

    return Metric(
        name=name,
        title=title,
        better=better,
        columns=(name,),
        measure=lambda *signals: (measure(*signals),),
        counts=counts,
        value=lambda sums: ratio(sums["sum"], sums["utterances"]),
        **{"meaning": MEAN_OF_WAVES if attributes.get("takes") == "waves" else MEAN, **attributes},
    )


def set_metric(name: str, title: str, better: Literal["lower", "higher"], **attributes: object) -> Metric:
    """A metric of a whole set, which is the mean of what its utterances contribute (`nrsr.scoring.shares`).

    Args:
        attributes: further attributes of `Metric`.
    """

    def measure(*_: object) -> float:
        raise MetricError(f"{title} is of a whole set of utterances; nrsr score-gen computes it")

    return mean_metric(name, title, better, measure, takes="sets", same_data=False, **attributes)


def improvement_of(metric: Metric) -> Metric:
    """The improvement of a mean over the unprocessed signal, which score-sep and score-se write beside it."""
    better = mean_metric(metric.name + IMPROVEMENT, metric.title + "i", metric.better, metric.measure)
    meaning = f"improvement over the unprocessed signal, {metric.meaning}"
    return replace(better, unit=metric.unit, digits=metric.digits, meaning=meaning, takes=metric.takes)


def find_metric(name: str) -> Metric:
    """The metric of a name: that of a file in nrsr/scoring/metrics, its improvement, or a dotted path of one's own.

    A path is `module.NAME` of a `Metric` in a module that Python finds, as those of a recipe's local/. Names come from
    a command line, never from a scored folder.

    Raises:
        MetricError: no such metric; lists those of the package.
    """
    if "." in name:
        module, _, attribute = name.rpartition(".")
        try:
            metric = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise MetricError(f"metric {name}: {error}; give module.NAME of a nrsr.scoring.Metric") from error
        if not isinstance(metric, Metric):
            raise MetricError(
                f"metric {name}: is of type {type(metric).__name__}; give module.NAME of a nrsr.scoring.Metric"
            )
        return metric
    if _has_file(name):
        return _metric_of_file(name)
    if name.endswith(IMPROVEMENT) and _has_file(base := name.removesuffix(IMPROVEMENT)):
        return improvement_of(_metric_of_file(base))
    known = ", ".join(package_metrics())
    raise MetricError(f"there is no metric {name}; there are {known}, or module.NAME of your own")


def _has_file(name: str) -> bool:
    """Whether the package has a metric of a name, without importing what others need."""
    return name.isidentifier() and importlib.util.find_spec(f"{FOLDER}.{name}") is not None


def _metric_of_file(name: str) -> Metric:
    module = importlib.import_module(f"{FOLDER}.{name}")
    metric = getattr(module, "METRIC", None)
    if not isinstance(metric, Metric):
        raise MetricError(f"{module.__file__}: defines no METRIC, a nrsr.scoring.Metric; wer.py beside it is the model")
    return metric


def package_metrics(takes: str | None = None) -> dict[str, Metric]:
    """The metrics of the package by name, one for each file of its folder; of those that take texts or waves alone."""
    folder = importlib.import_module(FOLDER)
    metrics = [_metric_of_file(file.name) for file in pkgutil.iter_modules(folder.__path__)]
    metrics = sorted(metrics, key=lambda metric: (metric.library, metric.name))
    return {metric.name: metric for metric in metrics if takes in (None, metric.takes)}


def metrics_of(columns: Iterable[str]) -> list[Metric]:
    """The package's metrics, each with its improvement, whose columns a table has."""
    columns = set(columns)
    known = [variant for metric in package_metrics().values() for variant in (metric, improvement_of(metric))]
    return [metric for metric in known if columns.issuperset(metric.columns)]


def missing_libraries(metrics: Iterable[Metric]) -> list[str]:
    """Libraries that measuring these metrics needs and that are not installed."""
    needed = dict.fromkeys(library for metric in metrics for library in metric.library.split())
    return [library for library in needed if not importlib.util.find_spec(library)]
