"""RNNoise (Valin, MMSP 2018) with the model that its library brings, as a front-end."""

import ctypes
import functools
import sys
from pathlib import Path

import numpy as np

from nrsr.frontends.per_utterance import PerUtterance
from nrsr.packages import packaged_file

FRAME = 480  # samples
SCALE = 32768.0  # its samples are in the range of 16 bits
LIBRARY = "librnnoise.dylib" if sys.platform == "darwin" else "librnnoise.so"


class RnNoise(PerUtterance):
    """A recurrent network that sets the gains of 32 bands, and a comb filter at the pitch; 48 kHz.

    The C library of the package pyrnnoise is called directly, in floats: the package itself rounds to 16 bits, where
    a sample beyond them wraps around, and asks for ten more packages.

    Args:
        sample_rate: in Hz (given by the program).

    Raises:
        PackageError: pyrnnoise is not installed.
    """

    model_rate = 48000
    lag = 960

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self.library = packaged_file("pyrnnoise", LIBRARY, "RnNoise")

    def process(self, wave: np.ndarray) -> np.ndarray:
        """Frame after frame: the library keeps a state between them."""
        library, floats = _library(self.library), ctypes.POINTER(ctypes.c_float)
        frames = np.pad(wave * np.float32(SCALE), (0, -len(wave) % FRAME)).reshape(-1, FRAME)
        state = library.rnnoise_create(None)
        try:
            for frame in frames:
                place = frame.ctypes.data_as(floats)
                library.rnnoise_process_frame(state, place, place)
        finally:
            library.rnnoise_destroy(state)
        return frames.ravel() / np.float32(SCALE)


@functools.lru_cache
def _library(path: Path) -> ctypes.CDLL:
    """The loaded library, with the types of its functions (rnnoise.h)."""
    library, floats = ctypes.CDLL(str(path)), ctypes.POINTER(ctypes.c_float)
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = [ctypes.c_void_p], ctypes.c_void_p
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [ctypes.c_void_p], None
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.rnnoise_process_frame.restype = ctypes.c_float
    return library
