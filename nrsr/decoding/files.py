"""Anyone's own recordings, brought to the form that a recogniser takes."""

import contextlib
import sys

import numpy as np
import soundfile

from nrsr.kaldi import read_audio


def read_file(path: str, rate: int) -> np.ndarray:
    """The first channel of an audio file at `rate`, float32 [T]; what had to be changed is said on stderr.

    Raises:
        AudioError: no such file, no audio, no samples, NaN.
    """
    wave, _ = read_audio(path, rate=rate, channel=0, resample=True)
    # The header is asked a second time only for what to say; formats that soundfile does not know go without.
    with contextlib.suppress(soundfile.SoundFileError):
        info = soundfile.info(path)
        if info.channels > 1:
            print(f"{path}: the first of {info.channels} channels is taken", file=sys.stderr)
        if info.samplerate != rate:
            print(f"{path}: resampled from {info.samplerate} Hz to {rate} Hz", file=sys.stderr)
    return wave
