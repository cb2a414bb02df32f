"""A front-end trained by itself: the loss "se" against parallel clean speech."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nrsr.config import build
from nrsr.data.batch import Batch, padded
from nrsr.data.outputs import Output, WaveOutput
from nrsr.frontends import FrontEnd
from nrsr.nn.si_snr import si_snr
from nrsr.systems.system import LossError, System

SHOWN = 2  # utterances among the samples of a validation
LIMIT = 80.0  # dB that SI-SNR is measured to


class Enhancement(System):
    """Noisy waveform to enhanced waveform, by any front-end with an enhancement loss.

    "se" is the front-end's own loss, averaged over the utterances with parallel clean speech. A recogniser
    starts from this front-end with `init: {frontend: {from: exp/frontend_seed1}}`.

    Args:
        sample_rate: given by the program.
        frontend: `{class: ..., ...}` of a `FrontEnd`.

    Raises:
        ConfigError: a slot that is filled wrongly.
    """

    def __init__(self, sample_rate: int, frontend: dict[str, Any]) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.frontend = build(frontend, FrontEnd, "system.frontend", sample_rate=sample_rate)

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate the front-end's statistics of noisy waveforms."""
        self.frontend.accumulate_statistics(waves, lengths)

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if unknown := sorted(set(wanted) - {"se"}):
            raise LossError(f"loss_weights: Enhancement has no loss {', '.join(unknown)}; it has se")
        losses = checked(self.frontend.losses(batch.waves, batch.lengths, clean_of(batch)), self.frontend, batch)
        return {"se": losses.sum() / batch.has_clean.sum().clamp_min(1)}

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Utterances with parallel clean speech."""
        return {"se": batch.has_clean.sum()}

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts over utterances with clean speech: "loss" is "se"; "si_snr" and its improvement in dB."""
        enhanced, losses = enhance(self.frontend, batch)
        count = batch.has_clean.sum()
        clean = torch.zeros_like(batch.waves) if batch.clean is None else batch.clean
        after, before = (
            si_snr(waves, clean, batch.lengths, LIMIT).masked_fill(~batch.has_clean, 0.0).sum()
            for waves in (enhanced, batch.waves)
        )
        return {"loss": (losses.sum(), count), "si_snr": (after, count), "si_snri": (after - before, count)}

    def samples(self, batch: Batch) -> dict[str, Tensor]:
        return shown(self.frontend, batch)

    def outputs(self) -> dict[str, Output]:
        """The enhanced waveforms."""
        return {"wav": WaveOutput(self.sample_rate, window=self.frontend.window)}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Tensor]]:
        device = next((parameter.device for parameter in self.parameters()), torch.device("cpu"))
        enhanced, _ = self.frontend(*padded(inputs, device))
        return {"wav": [wave[: len(given)] for wave, given in zip(enhanced.cpu(), inputs, strict=True)]}


def enhance(frontend: FrontEnd, batch: Batch) -> tuple[Tensor, Tensor]:
    """Enhanced waveforms [B, T], and the front-end's losses [B], 0 for utterances without parallel clean speech.

    Raises:
        LossError: the front-end has no loss.
    """
    enhanced, losses = frontend(batch.waves, batch.lengths, clean_of(batch))
    return enhanced, checked(losses, frontend, batch)


def clean_of(batch: Batch) -> Tensor:
    """Parallel clean speech [B, T], zeros for utterances without it."""
    clean = torch.zeros_like(batch.waves) if batch.clean is None else batch.clean
    # Values in place of missing clean speech never enter: a NaN would reach the gradient through its zero.
    return clean.masked_fill(~batch.has_clean.unsqueeze(1), 0.0)


def checked(losses: Tensor | None, frontend: FrontEnd, batch: Batch) -> Tensor:
    """A front-end's losses [B], 0 for utterances without parallel clean speech.

    Raises:
        LossError: the front-end has no loss.
    """
    if losses is None:
        raise LossError(
            f"loss_weights: {type(frontend).__name__} has no enhancement loss; take 'se' out of loss_weights, "
            "or name another system.frontend"
        )
    return losses.masked_fill(~batch.has_clean, 0.0)


def shown(frontend: FrontEnd, batch: Batch) -> dict[str, Tensor]:
    """Noisy, enhanced and clean waveforms of the first utterances, for `System.samples`."""
    enhanced, _ = frontend(batch.waves[:SHOWN], batch.lengths[:SHOWN])
    samples = {}
    for row, length in enumerate(batch.lengths[:SHOWN].tolist()):
        samples[f"{row + 1}/noisy"] = batch.waves[row, :length]
        samples[f"{row + 1}/enhanced"] = enhanced[row, :length]
        if batch.has_clean[row]:
            samples[f"{row + 1}/clean"] = batch.clean[row, :length]
    return samples
