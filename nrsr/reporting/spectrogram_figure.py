"""A figure of one utterance's spectrogram in several versions, one below the other."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nrsr.files import atomic_open

WINDOW, SHIFT = 0.032, 0.008  # seconds
RANGE = 80.0  # dB below the loudest point of the first version, at which the colours end


def draw_spectrograms(waves: Mapping[str, np.ndarray], rate: int, path: str | Path) -> None:
    """Draw log-magnitude spectrograms, all with the colours of the first one.

    Args:
        waves: name -> samples [T] in ±1.
        path: of the figure; its ending says the format (png, pdf, svg).
    """
    # Here, since importing matplotlib takes longer than the tables do; Agg needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 1.9 * len(waves) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels, top = figure.subplots(len(waves), 1, sharex=True, squeeze=False)[:, 0], None
    for panel, (name, wave) in zip(panels, waves.items(), strict=True):
        levels = decibels(wave, rate)
        top = float(levels.max()) if top is None else top
        extent = (0.0, len(wave) / rate, 0.0, rate / 2000.0)
        panel.imshow(
            levels.T, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE, vmax=top, interpolation="nearest"
        )
        panel.set(title=name, ylabel="kHz")
    panels[-1].set_xlabel("seconds")
    content = io.BytesIO()  # the library would hide why a disk takes no more
    figure.savefig(content, format=Path(path).suffix.removeprefix(".") or "png", dpi=110)
    with atomic_open(path, "wb") as stream:
        stream.write(content.getbuffer())


def decibels(wave: np.ndarray, rate: int) -> np.ndarray:
    """Levels [N, F] in dB of windows of 32 ms every 8 ms, zeros behind the end."""
    size, shift = round(WINDOW * rate), max(1, round(SHIFT * rate))
    padded = np.pad(wave, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(wave) + 1 : shift]
    return 20.0 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(size))) + 1e-6)
