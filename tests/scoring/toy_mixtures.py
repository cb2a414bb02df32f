"""Mixtures of signals like speech, with imperfect estimates of their sources."""

import numpy as np

from nrsr.scoring import find_metric
from nrsr.scoring.separation import SourceScores, score_mixture

RATE = 8000


def speech_like(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Coloured noise whose level wanders, float32."""
    wave = np.convolve(rng.normal(size=samples), np.hanning(9), "same")
    return np.float32(0.05 * wave * (0.2 + np.abs(np.sin(np.arange(samples) / 1500 + rng.uniform(0, 6)))))


def scored(mixture: np.ndarray, sources: np.ndarray, estimates: np.ndarray, *names: str, rate=RATE) -> SourceScores:
    return score_mixture(mixture, sources, estimates, rate, [find_metric(name) for name in names])


def mixture_of(speakers: int, seed: int, samples: int = 9000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mixture, sources and imperfect estimates in a random order: filtered, leaking, noisy, with an offset."""
    rng = np.random.default_rng(seed)
    sources = np.stack([speech_like(rng, samples) for _ in range(speakers)])
    mixture = sources.sum(0) + 0.2 * speech_like(rng, samples)
    leak = rng.uniform(0, 0.3, (speakers, speakers)) + np.eye(speakers)
    filtered = np.stack([np.convolve(source, rng.normal(size=8) * 0.1 + np.eye(8)[0])[:samples] for source in sources])
    estimates = leak @ filtered + 0.01 * rng.normal(size=sources.shape) + 0.003
    return mixture, sources, np.float32(estimates[rng.permutation(speakers)])
