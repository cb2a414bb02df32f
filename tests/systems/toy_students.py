"""Small teachers and students, and batches of noisy and clean speech for them."""

import numpy as np
import torch

from nrsr.data.batch import Batch, Example, collate
from nrsr.systems import System, build_system

RATE = 8000
EMOTIONS = ["angry", "calm", "sad"]
SIZES = {"convolutions": [[8, 10, 5], [8, 8, 8]], "width": 8, "layers": 3, "heads": 2, "feedforward": 16}
SIZES |= {"position_kernel": 4, "position_groups": 2}


def encoder(**changes) -> dict:
    """An encoder's spec; `layers` and other sizes may be changed."""
    sizes = {**SIZES, **changes}
    spec = {"class": "nrsr.nn.SslFeatures", "model": "wav2vec2_base", "rate": RATE, "sizes": sizes}
    return {**spec, "layer": sizes["layers"]}


def make(teacher: dict | None = None, student: dict | None = None, metadata: dict | None = None, **options) -> System:
    """A student of two layers, with levels 1 and 3; a teacher within, but where `frame_dim` says that it is stored."""
    torch.manual_seed(0)
    spec = {
        "class": "nrsr.systems.DistilledClassifier",
        "features": student or encoder(layers=2),
        "network": {"class": "nrsr.nn.MeanPool", "width": 6},
        "levels": [1, 3],
        **({} if metadata else {"teacher": teacher or encoder()}),
        **options,
    }
    classes = {"classes": {"emotion": EMOTIONS}}
    return build_system({"sample_rate": RATE, "system": spec}, metadata={**classes, **(metadata or {})})


def make_batch(lengths=(2000, 1500, 900), clean=(True, True, True), seed: int = 0) -> Batch:
    """Noise as speech, with more of it in the noisy waveforms."""
    rng, examples = np.random.default_rng(seed), []
    for number, (length, has) in enumerate(zip(lengths, clean, strict=True)):
        speech = rng.normal(0, 0.1, length).astype(np.float32)
        noisy = speech + rng.normal(0, 0.05, length).astype(np.float32)
        examples.append(Example(f"u{number}", noisy, speech if has else None, None, {"emotion": number % 3}))
    return collate(examples)
