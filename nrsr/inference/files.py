"""Anyone's own recordings, brought to the form that a recogniser takes."""

import sys

import numpy as np

from nrsr.kaldi import AudioError, read_audio
from nrsr.kaldi.audio import audio_header
from nrsr.kaldi.streams import is_pipe


def read_file(path: str, rate: int, channel: int | None = None) -> np.ndarray:
    """One channel of an audio file at `rate`, float32 [T]; what had to be changed or assumed is said on stderr.

    Args:
        channel: counted from 0; None takes the first.

    Raises:
        AudioError: no such file, no audio, no such channel, no samples, NaN.
    """
    if is_pipe(path):
        raise AudioError(f"{path!r}: is a command, not a file; save what it writes into one")
    wave, _ = read_audio(path, rate=rate, channel=channel or 0, resample=True)
    header = audio_header(path, rate=rate)
    if header.channels > 1 and channel is None:
        print(f"{path}: the first of {header.channels} channels is taken", file=sys.stderr)
    if header.rate != rate:
        print(f"{path}: resampled from {header.rate} Hz to {rate} Hz", file=sys.stderr)
    if header.assumed:
        print(f"{path}: {header.assumed}", file=sys.stderr)
    return wave
