"""A figure of a metric over SNR, a panel for each test set with noise and each tag, with the interval of each point."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open
from nrsr.reporting.pooled_cells import rows_of
from nrsr.scoring.metric import Metric
from nrsr.scoring.table import UNKNOWN

BESIDE = 0.03  # distance of two systems' points at one SNR, where that of two SNRs is 1


def draw_over_snr(pooled: Mapping[str, Any], metric: Metric, path: str | Path, tags: Sequence[str] = ()) -> bool:
    """Draw what `nrsr.scoring.pool_runs` gives; the file's ending says the format (png, pdf, svg).

    Args:
        tags: a panel for each tag and set, with a line for each NAME of the systems NAME-TAG.

    Returns:
        False, and no file, where no set has two SNRs.
    """
    noisy = {name: snrs for name, summary in pooled["sets"].items() if len(snrs := _known(summary["snrs"])) > 1}
    if not noisy:
        return False
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = rows_of(pooled["systems"], tags)
    # Sets side by side; with tags one below the other, and the tags side by side.
    places = [[(name, tag) for tag in tags] for name in noisy] if tags else [[(name, "") for name in noisy]]
    figure = Figure(figsize=(4.5 * len(places[0]), 3.5 * len(places)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(places), len(places[0]), sharey=True, squeeze=False)
    drawn = {}
    for panel, (test_set, tag) in zip(panels.flat, (place for row in places for place in row), strict=True):
        snrs, systems = noisy[test_set], pooled["sets"][test_set]["systems"]
        for number, name in enumerate(names):
            if scores := systems.get(f"{name}-{tag}" if tag else name):
                shift = BESIDE * (number - (len(names) - 1) / 2)  # side by side, so that each interval is seen
                points = [scores[metric.name][snr] for snr in snrs]
                drawn.setdefault(name, _draw_system(panel, name, f"C{number}", shift, points))
        title = f"{tag}: {test_set}" if tag else test_set
        panel.set(title=title, xlabel="SNR (dB)", xticks=range(len(snrs)), xticklabels=snrs)
        panel.grid(alpha=0.3)
    for row in panels:
        row[0].set_ylabel(f"{metric.title} ({metric.unit})" if metric.unit else metric.title)
    in_order = {name: drawn[name] for name in names if name in drawn}  # any panel may lack some
    where = {"loc": "outside right upper"} if tags else {}  # many panels have room for many systems, but no panel has
    (figure if tags else panels[0, 0]).legend(in_order.values(), in_order, fontsize="small", **where)
    content = io.BytesIO()  # the library would hide why a disk takes no more
    sharpness = 100 if tags else 150  # many panels make a large file
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=sharpness)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
    return True


def _known(snrs: list[str]) -> list[str]:
    return [snr for snr in snrs if snr != UNKNOWN]


def _draw_system(panel: Any, system: str, colour: str, shift: float, points: list[Mapping[str, Any]]) -> Any:
    known = [(place, point) for place, point in enumerate(points) if point["value"] is not None and point["interval"]]
    places, values = [place + shift for place, _ in known], [point["value"] for _, point in known]
    below = [point["value"] - point["interval"][0] for _, point in known]
    above = [point["interval"][1] - point["value"] for _, point in known]
    below, above = ([max(length, 0.0) for length in lengths] for lengths in (below, above))
    style = {"marker": "o", "markersize": 3, "linewidth": 1, "elinewidth": 1, "color": colour, "label": system}
    return panel.errorbar(places, values, yerr=(below, above), **style)
