"""The log of a training: train.log and stderr, TensorBoard, metrics.jsonl."""

import sys
import time
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from nrsr.files import names_file, open_to_append
from nrsr.signal.spectrogram import spectrogram
from nrsr.training.validation_lines import write_validations


class TrainingLog:
    """The log of one experiment folder; a resumed training goes on in it.

    Args:
        folder: of the experiment.
        step: TensorBoard points from this step on, of a killed training, are replaced.
        silent: write nothing, as in the further processes of a training.
    """

    def __init__(self, folder: Path, step: int, silent: bool = False):
        self._silent = silent
        if silent:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file = open_to_append(folder / "train.log")
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step)

    def __enter__(self) -> "TrainingLog":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._silent:
            self._writer.close()
            self._file.close()

    def line(self, text: str) -> None:
        """One line, with the time, to train.log and stderr."""
        if self._silent:
            return
        text = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}"
        with names_file(self._folder / "train.log"):
            print(text, file=self._file)
        print(text, file=sys.stderr, flush=True)

    def scalars(self, values: dict[str, float], step: int) -> None:
        """Points of TensorBoard curves."""
        if self._silent:
            return
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def samples(self, samples: dict[str, Tensor], rate: int, step: int) -> None:
        """Waveforms [T] in ±1 as sound and as a spectrogram, and images [F, N] (row 0 below), by name."""
        if self._silent:
            return
        for name, value in samples.items():
            value = value.detach().float().cpu()
            if value.ndim == 1:
                self._writer.add_audio(f"samples/{name}", value.clamp(-1.0, 1.0).unsqueeze(1), step, sample_rate=rate)
                value = spectrogram(value)
            low, high = value.min(), value.max()
            image = (value - low) / (high - low).clamp_min(1e-9)
            self._writer.add_image(f"samples/{name}", image.flip(0), step, dataformats="HW")

    def validations(self, history: list[dict[str, Any]]) -> None:
        """Write metrics.jsonl (`write_validations`)."""
        if self._silent:
            return
        write_validations(self._folder, history)
        self._writer.flush()


def metrics_text(metrics: dict[str, float]) -> str:
    """`{"asr": 1.23456}` as "asr 1.235"."""
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def duration_text(seconds: float) -> str:
    """3725 as "1 h 02 min", 125 as "2 min 05 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
