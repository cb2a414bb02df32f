"""DNSMOS: what listeners would say of a signal, by the networks that the package speechmos holds.

Reddy, Gopal and Cutler, ICASSP 2021 (P.808) and ICASSP 2022 (P.835). The networks take 9.01 s at 16 kHz: shorter
signals are repeated, of longer ones an excerpt begins each second, as in the authors' code. They are run here, since
speechmos itself imports librosa and requests without naming them as what it needs.
"""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from nrsr.scoring.metric import MEAN_OF_WAVES, UndefinedMeasure
from nrsr.scoring.signals import once
from nrsr.signal.mel import slaney_hertz, slaney_mel, triangles

LIBRARIES = "speechmos onnxruntime"
RATE = 16000
EXCERPT, HOP = 144160, 16000  # samples
MOST_EXCERPTS = 2  # that go through a network together
FRAME, SHIFT, MELS = 321, 160, 120
MEANING = f"a network's opinion of the signal alone, which is brought to 16 kHz from any other rate; {MEAN_OF_WAVES}"
# Polynomials from the network's outputs SIG, BAK and OVRL to opinion scores, highest power first.
CALIBRATION = np.array([
    (-0.08397278, 1.22083953, 0.0052439), (-0.13166888, 1.60915514, -0.39604546), (-0.06766283, 1.11546468, 0.04602535),
])  # fmt: skip


@once
def p835(source: np.ndarray | None, estimate: np.ndarray, rate: int) -> tuple[float, float, float]:
    """SIG, BAK and OVRL of the estimate [T].

    Raises:
        UndefinedMeasure: the estimate is shorter than a frame of 20 ms.
    """
    raw = _outputs("sig_bak_ovr", excerpts(estimate, rate))
    square, linear, constant = CALIBRATION.T
    sig, bak, ovrl = (square * raw**2 + linear * raw + constant).mean(axis=0).tolist()
    return sig, bak, ovrl


def p808(source: np.ndarray | None, estimate: np.ndarray, rate: int) -> float:
    """The overall opinion of the estimate [T] by the network of P.808.

    Raises:
        UndefinedMeasure: the estimate is shorter than a frame of 20 ms.
    """
    return float(_outputs("model_v8", excerpts(estimate, rate), log_mel).mean())


def excerpts(wave: np.ndarray, rate: int) -> np.ndarray:
    """What the networks are given of a signal [T]: a view [N, 144160] at 16 kHz, float32."""
    wave = wave.astype(np.float32)
    if rate != RATE:
        wave = soxr.resample(wave, rate, RATE, quality="HQ")
    if len(wave) < FRAME:
        raise UndefinedMeasure("shorter than a frame of 20 ms")
    while len(wave) < EXCERPT:
        wave = np.concatenate([wave, wave])
    count = max(1, len(wave) // RATE - EXCERPT // RATE)
    return np.lib.stride_tricks.sliding_window_view(wave, EXCERPT)[::HOP][:count]


def log_mel(waves: np.ndarray) -> np.ndarray:
    """Features [N, 900, 120] of excerpts [N, 144160]: mel powers in dB below the largest, as (dB + 40) / 40."""
    padded = np.pad(waves[:, :-SHIFT], ((0, 0), (FRAME // 2, FRAME // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME, axis=1)[:, ::SHIFT]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FRAME) / FRAME)
    power = np.square(np.abs(np.fft.rfft(frames * window))) @ _mel_filters()
    decibels = 10.0 * np.log10(np.maximum(power, 1e-10))
    decibels -= decibels.max(axis=(1, 2), keepdims=True)
    return (np.maximum(decibels, -80.0) + 40.0) / 40.0


@functools.cache
def _mel_filters() -> np.ndarray:
    """Slaney's filters [161, 120] to half the rate; some hold no bin, as they do in training."""
    edges = slaney_hertz(np.linspace(0.0, slaney_mel(RATE / 2), MELS + 2))
    return triangles(np.arange(FRAME // 2 + 1) * (RATE / FRAME), edges) * (2.0 / (edges[2:] - edges[:-2]))


def _outputs(name: str, waves: np.ndarray, features: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
    """Outputs [N, K] of a network for excerpts [N, 144160], or for features of them."""
    session, outputs = _session(name), []
    for start in range(0, len(waves), MOST_EXCERPTS):
        part = waves[start : start + MOST_EXCERPTS]
        given = part if features is None else features(part)
        outputs.append(session.run(None, {"input_1": given.astype(np.float32)})[0])
    return np.concatenate(outputs)


@functools.cache
def _session(name: str) -> Any:
    """A network of speechmos, on one thread."""
    import onnxruntime  # optional

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    (folder,) = importlib.util.find_spec("speechmos").submodule_search_locations
    path = Path(folder) / "dnsmos_models" / f"{name}.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
