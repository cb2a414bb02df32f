"""A figure of what happened to the gradients of two tasks over the epochs of a training: angles, conflicts, norms."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open
from nrsr.reporting.training_history import logged

# Panels: title, axis label, and the logged values that each draws, with their line style.
PANELS = (
    ("Angle between the tasks' gradients", "degrees", {"angle": ("-", "before"), "angle_after": ("--", "after")}),
    ("Shared tensors", "share", {"conflicts": ("-", "in conflict"), "rescaled": ("--", "rescaled")}),
    ("Norm of the later loss's gradient over the earlier's", "ratio", {"ratio": ("-", "")}),
)


def gradient_history(experiment: Path) -> dict[str, list[float]]:
    """Logged values of the combiner by name, one an epoch; empty where it logs none, as `Sum`.

    Raises:
        MetricsError: metrics.jsonl is missing or damaged.
    """
    return logged(experiment, "train", [name for _, _, lines in PANELS for name in lines])


def draw_gradients(experiments: Mapping[str, Sequence[Path]], path: str | Path) -> list[str]:
    """Draw each system's values: the mean over its runs, and the range of the runs as a band.

    Args:
        experiments: folders of the runs of each system.
        path: of the figure; its ending says the format (png, pdf, svg).

    Returns:
        The systems drawn; none, and no file, where no run has logged such values.
    """
    histories = {system: [gradient_history(run) for run in runs] for system, runs in experiments.items()}
    histories = {system: runs for system, runs in histories.items() if all(runs) and runs}
    if not histories:
        return []
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(PANELS), 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (title, label, lines) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for number, (system, runs) in enumerate(histories.items()):
            for name, (style, meaning) in lines.items():
                values = [run[name] for run in runs if name in run]
                _draw(panel, values, f"C{number}", style, f"{system} {meaning}".strip())
        panel.set(title=title, xlabel="epoch", ylabel=label)
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
    figure.axes[0].axhline(90.0, color="grey", linewidth=0.8)
    figure.axes[-1].set_yscale("log")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
    return list(histories)


def _draw(panel: Any, runs: list[list[float]], colour: str, style: str, label: str) -> None:
    """One line; runs that stopped early end it early."""
    if not runs:
        return
    length = min(map(len, runs))
    columns = list(zip(*(run[:length] for run in runs), strict=True))
    epochs = range(1, length + 1)
    panel.plot(epochs, [sum(column) / len(column) for column in columns], style, color=colour, label=label)
    panel.fill_between(epochs, list(map(min, columns)), list(map(max, columns)), color=colour, alpha=0.15, linewidth=0)
