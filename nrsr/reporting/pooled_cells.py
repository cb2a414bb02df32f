"""What several tables of a results file share: names of pooled systems, main conditions, values in cells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nrsr.scoring.metric import Metric
from nrsr.scoring.pooled_set import ALL, PRIMARY

LACKS = "*"  # after the name of a system that lacks runs which others have


def short(test_set: str) -> str:
    """A test set's name in a column: "seen" for test_seen."""
    return test_set.removeprefix("test_")


def rows_of(systems: Iterable[str], tags: Sequence[str]) -> list[str]:
    """The names of the systems; with tags NAME of each system NAME-TAG, once."""
    if not tags:
        return list(systems)
    ends = [(system, f"-{tag}") for system in systems for tag in tags]
    return list(dict.fromkeys(system.removesuffix(end) for system, end in ends if system.endswith(end)))


def marked(pooled: Mapping[str, Any], system: str) -> str:
    """The system's name, with a mark where it lacks runs."""
    return system + LACKS * bool(pooled["systems"][system]["missing"])


def main_condition(pooled: Mapping[str, Any], test_set: str) -> str | None:
    """The condition of a set's main values, PRIMARY or ALL; None where it lacks SNRs that the primary value needs."""
    summary = pooled["sets"][test_set]
    if summary["primary"]:
        return PRIMARY
    return ALL if not summary["snrs"] or pooled["primary"] == [ALL] else None


def cell(scores: Mapping[str, Any] | None, metric: Metric, condition: str | None) -> str:
    """A value of a system on a set without its interval; "-" where there is none."""
    value = None if scores is None or condition is None else scores[metric.name][condition]["value"]
    return "-" if value is None else f"{value:.{metric.digits}f}"


def title_of(main: Sequence[Metric]) -> str:
    """Headings of the metrics; their unit once, where they share it."""
    units = {metric.unit for metric in main}
    if len(units) == 1 and len(main) > 1 and main[0].unit:
        return f"{', '.join(metric.title for metric in main)} in {main[0].unit}"
    return ", ".join(metric.heading for metric in main)
