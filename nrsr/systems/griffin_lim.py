"""Griffin-Lim as a vocoder: what mel features give without any training, the lowest row of vocoders' tables."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nrsr.config import ConfigError, build
from nrsr.data.mel_inputs import MelInputs
from nrsr.data.mels import MelBatch, MelDataset
from nrsr.data.outputs import Output
from nrsr.signal.griffin_lim import griffin_lim
from nrsr.signal.mel_inverse import spectra_under
from nrsr.signal.vocoder_mels import VocoderMel
from nrsr.systems.system import LossError, System
from nrsr.systems.vocoded_output import vocoded


class GriffinLim(System):
    """Mel features to magnitude spectra by least squares, and these to a waveform by the algorithm of Griffin and Lim.

    It has nothing to be trained, and is applied by its config.

    Args:
        sample_rate: given by the program.
        features: `{class: ..., ...}` of a `VocoderMel`.
        iterations, momentum: see `nrsr.signal.griffin_lim`.

    Raises:
        ConfigError: features of another kind, or values out of bounds.
    """

    data = MelDataset
    reads = MelInputs

    def __init__(
        self, sample_rate: int, features: dict[str, Any], iterations: int = 60, momentum: float = 0.99
    ) -> None:
        super().__init__()
        if iterations < 1 or not 0.0 <= momentum < 1.0:
            raise ConfigError(
                f"system: needs iterations >= 1 and momentum from 0 to below 1, not {iterations}, {momentum}"
            )
        self.features = build(features, VocoderMel, "system.features", sample_rate=sample_rate)
        self.iterations, self.momentum = iterations, momentum

    def losses(self, batch: MelBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """There are none.

        Raises:
            LossError: always.
        """
        raise LossError("GriffinLim has nothing to be trained; apply it with nrsr vocode --config")

    def validate(self, batch: MelBatch) -> dict[str, tuple[Tensor, Tensor]]:
        """There is nothing to validate.

        Raises:
            LossError: always.
        """
        return self.losses(batch, "main", ())

    def outputs(self) -> dict[str, Output]:
        """The waveform, as many samples as frames times hop; pieces of a long one are faded into each other."""
        return {"wav": vocoded(self.features, whole=False)}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Tensor]]:
        return {"wav": [self.wave(torch.from_numpy(mels).to(self.features.bank.device)) for mels in inputs]}

    def wave(self, mels: Tensor) -> Tensor:
        """Features [N, bands] to a waveform [N hop] in ±1."""
        features = self.features
        magnitudes = spectra_under(features.expand(mels), features.bank).T.unsqueeze(0)
        stft, samples = features.stft, len(mels) * features.hop
        reached = (len(mels) - 1) * features.hop + stft.n_fft
        whole = griffin_lim(magnitudes, stft, reached, self.iterations, self.momentum)[0]
        return F.pad(whole, (0, features.margin))[features.margin : features.margin + samples]
