"""16-bit wav files of the generated corpora; the standard library's writer is much faster for thousands of them."""

import io
import wave
from pathlib import Path

import numpy as np


def wav_file(samples: np.ndarray, rate: int) -> bytes:
    """A wav file of samples [T] or [T, channels] in [-1, 1)."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setparams((channels, 2, rate, len(samples), "NONE", ""))
        writer.writeframes(np.rint(samples * 32768).astype("<i2").tobytes())
    return buffer.getvalue()


def write_tone(path: Path, value: float, samples: int, rate: int) -> None:
    """A file that holds one value, by which it is recognised; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_file(np.full(samples, value), rate))


def write_noises(folder: Path, samples: int = 400) -> None:
    """The 100 nonspeech sounds at 20 kHz."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, 101):
        (folder / f"n{number}.wav").write_bytes(wav_file(rng.uniform(-1, 0.99, samples), 20000))
