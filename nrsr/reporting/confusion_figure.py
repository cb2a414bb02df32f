"""A figure of confusion matrices: a panel each, with the share of each class in % and its colour."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nrsr.files import atomic_open

ACROSS = 3  # panels side by side, as many as there are test sets


def draw_confusion(matrices: Mapping[str, np.ndarray], classes: Sequence[str], path: str | Path) -> None:
    """Draw how utterances of each class are classified; the file's ending says the format (png, pdf, svg).

    Args:
        matrices: title of a panel -> counts [classes, classes], a row for each class of the reference. A class without
            utterances has an empty row.
    """
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = min(ACROSS, len(matrices))
    down, side = math.ceil(len(matrices) / across), 1.5 + 0.38 * len(classes)
    figure = Figure(figsize=(side * across, side * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(down, across, squeeze=False).flat)
    for panel, (title, matrix) in zip(panels, matrices.items(), strict=False):
        shares = shares_of(matrix)
        panel.imshow(shares, vmin=0.0, vmax=100.0, cmap="Blues")
        for row, column in np.argwhere(~np.isnan(shares)).tolist():
            share = shares[row, column]
            colour = "white" if share > 60.0 else "black"
            panel.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=6, color=colour)
        panel.set_title(title, fontsize="small")
        panel.set_xticks(range(len(classes)), classes, rotation=90, fontsize="x-small")
        panel.set_yticks(range(len(classes)), classes, fontsize="x-small")
    for panel in panels[len(matrices) :]:
        panel.set_axis_off()
    figure.supxlabel("classified as (% of the utterances of a class)", fontsize="small")
    figure.supylabel("label", fontsize="small")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=150)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())


def shares_of(matrix: np.ndarray) -> np.ndarray:
    """Counts [classes, classes] in % of their row; NaN where the row is empty."""
    sums = matrix.sum(axis=1, keepdims=True).astype(np.float64)
    return 100.0 * np.divide(matrix, sums, out=np.full(matrix.shape, np.nan), where=sums > 0)
