"""Which metrics of signals a score command takes."""

from collections.abc import Sequence

from nrsr.scoring.labels import ScoringError
from nrsr.scoring.metric import Metric, find_metric, missing_libraries, package_metrics


def signal_metrics(wanted: Sequence[str] | None, default: Sequence[str], option: str) -> tuple[list[Metric], str]:
    """The metrics to take, and a remark on those of `default` whose libraries are missing ("" for none).

    Args:
        wanted: names of an option; None takes those of `default` that can be taken.
        option: its name, as "--metrics", for messages.

    Raises:
        MetricError, ScoringError: a wanted metric that there is not, that takes no waves, or whose library is missing.
    """
    metrics = [find_metric(name) for name in wanted or default]
    if refused := [metric.name for metric in metrics if metric.takes != "waves"]:
        known = ", ".join(package_metrics("waves"))
        raise ScoringError(f"{option} {', '.join(refused)}: compares no signals; there are {known}")
    missing = missing_libraries(metrics)
    remark = f"{' and '.join(missing)} not installed (pip install {' '.join(missing)})" if missing else ""
    if remark and wanted:
        raise ScoringError(f"{option} {','.join(wanted)}: {remark}")
    usable = [metric for metric in metrics if not missing_libraries([metric])]
    return usable, f"{remark}; what needs them is left out" if remark else ""
