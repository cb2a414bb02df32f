"""Resynthesis by WORLD: what pitch, envelope and aperiodicity keep of speech, as a row of vocoders' tables."""

from collections.abc import Collection, Sequence

import numpy as np
from torch import Tensor

from nrsr.data.batch import Batch
from nrsr.data.outputs import Output, WaveOutput
from nrsr.signal.world import library, resynthesise
from nrsr.systems.system import LossError, System


class World(System):
    """Waveforms to waveforms by way of WORLD's parameters, which are no mel features.

    It has nothing to be trained, and is applied by its config: `nrsr apply --config`.

    Args:
        sample_rate: given by the program.

    Raises:
        WorldError: the library pyworld is missing.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        library()
        self.sample_rate = sample_rate

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """There are none.

        Raises:
            LossError: always.
        """
        raise LossError("World has nothing to be trained; apply it with nrsr apply --config")

    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """There is nothing to validate.

        Raises:
            LossError: always.
        """
        return self.losses(batch, "main", ())

    def outputs(self) -> dict[str, Output]:
        """The waveform, of the length of the original."""
        return {"wav": WaveOutput(self.sample_rate)}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[np.ndarray]]:
        return {"wav": [resynthesise(wave, self.sample_rate) for wave in inputs]}
