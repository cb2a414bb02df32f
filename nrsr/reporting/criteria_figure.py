"""A figure of criteria of the development data over the steps of a training, a panel each."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from nrsr.files import atomic_open
from nrsr.reporting.training_history import STEP, logged


def draw_criteria(experiments: Mapping[str, Sequence[Path]], names: Sequence[str], path: str | Path) -> list[str]:
    """Draw each system's criteria, a thin line for each of its runs.

    Args:
        experiments: folders of the runs of each system; those that were not trained are left out.
        names: of the criteria; a system has a line in the panels of those that it has.
        path: of the figure; its ending says the format (png, pdf, svg).

    Returns:
        The criteria drawn; none, and no file, where no run has logged one of them.

    Raises:
        MetricsError: a damaged metrics.jsonl.
    """
    trained = {
        system: [logged(run, "dev", [STEP, *names]) for run in runs if (run / "metrics.jsonl").exists()]
        for system, runs in experiments.items()
    }
    drawn = [name for name in names if any(name in run for runs in trained.values() for run in runs)]
    if not drawn:
        return []
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(drawn), 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, name in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
        for number, (system, runs) in enumerate(trained.items()):
            for place, run in enumerate(run for run in runs if name in run):
                label = system if place == 0 else None
                panel.plot(run[STEP], run[name], color=f"C{number}", linewidth=1, label=label)
        panel.set(title=name, xlabel="step")
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
    return drawn
