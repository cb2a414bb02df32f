"""A figure of a metric over SNR, one panel for each test set with noise, with the interval of each point."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open
from nrsr.scoring.metric import Metric
from nrsr.scoring.table import UNKNOWN

BESIDE = 0.03  # distance of two systems' points at one SNR, where that of two SNRs is 1


def draw_over_snr(pooled: Mapping[str, Any], metric: Metric, path: str | Path) -> bool:
    """Draw what `nrsr.scoring.pool_runs` gives; the file's ending says the format (png, pdf, svg).

    Returns:
        False, and no file, where no set has two SNRs.
    """
    noisy = {name: snrs for name, one in pooled["sets"].items() if len(snrs := _known(one["snrs"])) > 1}
    if not noisy:
        return False
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(noisy), 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(noisy), sharey=True, squeeze=False)[0]
    for panel, (name, snrs) in zip(panels, noisy.items(), strict=True):
        systems = pooled["sets"][name]["systems"]
        for number, (system, figures) in enumerate(systems.items()):
            shift = BESIDE * (number - (len(systems) - 1) / 2)  # side by side, so that each interval is seen
            _draw_system(panel, system, f"C{number}", shift, [figures[metric.name][snr] for snr in snrs])
        panel.set(title=name, xlabel="SNR (dB)", xticks=range(len(snrs)), xticklabels=snrs)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel(f"{metric.title} ({metric.unit})" if metric.unit else metric.title)
    panels[0].legend(fontsize="small")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
    return True


def _known(snrs: list[str]) -> list[str]:
    return [snr for snr in snrs if snr != UNKNOWN]


def _draw_system(panel: Any, system: str, colour: str, shift: float, figures: list[Mapping[str, Any]]) -> None:
    known = [(place, one) for place, one in enumerate(figures) if one["value"] is not None and one["interval"]]
    places, values = [place + shift for place, _ in known], [one["value"] for _, one in known]
    below = [one["value"] - one["interval"][0] for _, one in known]
    above = [one["interval"][1] - one["value"] for _, one in known]
    below, above = ([max(length, 0.0) for length in lengths] for lengths in (below, above))
    style = {"marker": "o", "markersize": 3, "linewidth": 1, "elinewidth": 1, "color": colour, "label": system}
    panel.errorbar(places, values, yerr=(below, above), **style)
