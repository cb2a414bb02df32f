"""A figure of what systems gain over a baseline: paired differences with intervals, over the tags of the systems."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open
from nrsr.reporting.pooled_cells import main_condition, rows_of, short
from nrsr.scoring.metric import Metric

BESIDE = 0.06  # distance of two systems' points at one tag, where that of two tags is 1


def draw_gain(pooled: Mapping[str, Any], metric: Metric, path: str | Path, tags: Sequence[str], baseline: str) -> bool:
    """Draw the differences that `nrsr.scoring.pool_runs` gives; the file's ending says the format (png, pdf, svg).

    A panel for each test set; in it a line for each NAME, the difference of NAME-TAG from BASELINE-TAG over the tags.

    Returns:
        False, and no file, where there is no such difference.
    """
    gains = {name: lines for name in pooled["sets"] if (lines := _differences(pooled, name, metric, tags, baseline))}
    if not gains:
        return False
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(gains), 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    rows = [row for row in rows_of(pooled["systems"], tags) if any(row in lines for lines in gains.values())]
    drawn = {}
    for panel, (name, lines) in zip(figure.subplots(1, len(gains), squeeze=False).flat, gains.items(), strict=True):
        for number, row in enumerate(rows):
            shift = BESIDE * (number - (len(rows) - 1) / 2)  # side by side, so that each interval is seen
            if row in lines:
                drawn[row] = _draw_line(panel, f"C{number}", shift, lines[row])
        panel.axhline(0.0, color="black", linewidth=0.8)
        panel.set(title=short(name), xticks=range(len(tags)), xticklabels=tags)
        panel.grid(alpha=0.3)
        unit = "points" if metric.unit == "%" else metric.unit
        panel.set_ylabel(f"{metric.title} less that of {baseline}" + (f" ({unit})" if unit else ""))
    figure.legend([drawn[row] for row in rows], rows, fontsize="small", loc="outside right upper")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
    return True


def _differences(
    pooled: Mapping[str, Any], test_set: str, metric: Metric, tags: Sequence[str], baseline: str
) -> dict[str, dict[int, Mapping[str, Any]]]:
    """NAME -> number of the tag -> difference of the set's main value from the baseline's with this tag."""
    condition, differences = main_condition(pooled, test_set), {}
    for comparison in pooled["sets"][test_set]["comparisons"] if condition else ():
        for number, tag in enumerate(tags):
            if comparison["versus"] == f"{baseline}-{tag}" and comparison["system"].endswith(f"-{tag}"):
                difference = comparison["metrics"][metric.name][condition]
                if difference["interval"]:
                    differences.setdefault(comparison["system"].removesuffix(f"-{tag}"), {})[number] = difference
    return differences


def _draw_line(panel: Any, colour: str, shift: float, points: Mapping[int, Mapping[str, Any]]) -> Any:
    places, drawn = sorted(points), [points[number] for number in sorted(points)]
    values = [point["difference"] for point in drawn]
    lengths = [[max(point["difference"] - point["interval"][0], 0.0) for point in drawn],
               [max(point["interval"][1] - point["difference"], 0.0) for point in drawn]]  # fmt: skip
    style = {"marker": "o", "markersize": 3, "linewidth": 1, "elinewidth": 1, "color": colour}
    return panel.errorbar([number + shift for number in places], values, yerr=lengths, **style)
