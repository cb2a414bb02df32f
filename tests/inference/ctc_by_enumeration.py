"""CTC by going through every alignment: the slow definition that searches are compared with."""

import itertools
import math
from collections import defaultdict

import numpy as np

from nrsr.inference.ngram import NgramModel


def random_log_probs(rng: np.random.Generator, frames: int, size: int, spread: float = 1.0) -> np.ndarray:
    logits = spread * rng.standard_normal((frames, size))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def sequences(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """log p_ctc of every unit sequence that has an alignment."""
    totals: dict[tuple[int, ...], float] = defaultdict(lambda: -math.inf)
    frames, size = log_probs.shape
    for alignment in itertools.product(range(size), repeat=frames):
        units = tuple(unit for unit, _ in itertools.groupby(alignment) if unit != 0)
        totals[units] = np.logaddexp(totals[units], log_probs[np.arange(frames), alignment].sum())
    return dict(totals)


def sentence_score(model: NgramModel, words: list[str]) -> float:
    """ln p(words </s>)."""
    history, total = ["<s>"], 0.0
    for word in [*words, "</s>"]:
        total += math.log(model.probability(word, history))
        history.append(word)
    return total
