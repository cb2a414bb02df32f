"""A grid of spectrograms as one image."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nrsr.files import atomic_open
from nrsr.signal.spectrogram import RANGE, spectrogram

COLUMNS = 5


def draw_spectrograms(waves: Sequence[tuple[str, np.ndarray]], rate: int, path: str | Path) -> None:
    """Draw titled waveforms [T] as spectrograms in dB, five in a row, all on the scale of the loudest.

    Args:
        rate: samples a second.
        path: of the image; its ending says the format (png, pdf, svg).
    """
    # Here, since importing matplotlib takes longer than generating; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = -(-len(waves) // COLUMNS), min(COLUMNS, len(waves))
    figure = Figure(figsize=(2.2 * columns, 1.8 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    images = [spectrogram(torch.from_numpy(np.ascontiguousarray(wave))).numpy() for _, wave in waves]
    highest = max(image.max() for image in images)
    for panel in panels.flat[len(waves) :]:
        panel.set_axis_off()
    for panel, (title, wave), image in zip(panels.flat, waves, images, strict=False):
        extent = (0.0, len(wave) / rate, 0.0, rate / 2000)
        panel.imshow(image, origin="lower", aspect="auto", extent=extent, vmin=highest - RANGE, vmax=highest)
        panel.set_title(title, fontsize="small")
    for panel in panels[:, 0]:
        panel.set_ylabel("kHz")
    for panel in panels[-1]:
        panel.set_xlabel("s")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=100)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())
