"""Anyone's own recordings, brought to the form that a recogniser takes."""

import contextlib
import sys

import numpy as np
import soundfile

from nrsr.kaldi import AudioError, read_audio
from nrsr.kaldi.streams import is_pipe


def read_file(path: str, rate: int) -> np.ndarray:
    """The first channel of an audio file at `rate`, float32 [T]; what had to be changed is said on stderr.

    Raises:
        AudioError: no such file, no audio, no samples, NaN.
    """
    if is_pipe(path):
        raise AudioError(f"{path!r}: is a command, not a file; save what it writes into one")
    wave, _ = read_audio(path, rate=rate, channel=0, resample=True)
    # The header is asked a second time only for what to say; formats that soundfile does not know go without.
    with contextlib.suppress(soundfile.SoundFileError):
        info = soundfile.info(path)
        if info.channels > 1:
            print(f"{path}: the first of {info.channels} channels is taken", file=sys.stderr)
        if info.samplerate != rate:
            print(f"{path}: resampled from {info.samplerate} Hz to {rate} Hz", file=sys.stderr)
    return wave
