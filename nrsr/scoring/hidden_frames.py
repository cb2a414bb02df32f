"""Frames of a hidden layer for the utterances of a data directory, from hybrid and CTC systems alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nrsr.data.features import open_features
from nrsr.errors import NrsrError
from nrsr.kaldi import DataDir
from nrsr.signal.padded import padded_batches
from nrsr.systems import JointAsr, Senone, System

TOGETHER = 16  # utterances that go through the network together


class HiddenError(NrsrError):
    """A system or layer without hidden frames, or an utterance of which there are none."""


def hidden_frames(
    system: System, config: dict[str, Any], data: DataDir, utterances: list[str], layer: int, device: str = "cpu"
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (utterance, float32 [M, dim]), in evaluation mode; utterances without a frame have M = 0.

    Args:
        config: of the experiment.
        layer: 1 for the first hidden layer of the network or encoder, 0 for the last.

    Raises:
        HiddenError: no such layer, or a system of another kind.
        NrsrError: data that cannot be read.
    """
    layers = layer_count(system)
    if not 0 <= layer <= layers:
        raise HiddenError(f"--layer {layer}: the system has the layers 1 to {layers}, and 0 for the last")
    system = system.to(device).eval()
    chunks = [utterances[start : start + TOGETHER] for start in range(0, len(utterances), TOGETHER)]
    if isinstance(system, Senone):
        features = open_features(config, data.path)
        for chunk in chunks:
            read = {name: features[name] for name in chunk}
            filled = [name for name in chunk if len(read[name])]
            found = system.hidden([read[name] for name in filled], layer) if filled else []
            empty = np.zeros((0, system.network.dims[layer - 1]), np.float32)
            found = dict(zip(filled, found, strict=True))
            yield from ((name, found.get(name, empty)) for name in chunk)
    else:
        waves = data.waves(rate=config["sample_rate"])
        with torch.inference_mode():
            for chunk in chunks:
                for names, batch, lengths in padded_batches(waves, chunk, config["sample_rate"]):
                    if not system.output_lengths(lengths).any():  # no layer is asked what it makes of them
                        yield from ((name, np.zeros((0, system.encoder.dims[layer - 1]), np.float32)) for name in names)
                        continue
                    hidden, counts = system.hidden(batch.to(device), lengths.to(device), layer)
                    rows = hidden.float().cpu().numpy()
                    yield from zip(names, (row[:n] for row, n in zip(rows, counts.tolist(), strict=True)), strict=True)


def layer_count(system: System) -> int:
    """How many hidden layers a system shows.

    Raises:
        HiddenError: a system that is neither hybrid nor CTC.
    """
    if isinstance(system, Senone):
        return len(system.network.dims)
    if isinstance(system, JointAsr):
        return len(system.encoder.dims)
    raise HiddenError(f"{type(system).__name__}: has no layers to probe; give a hybrid or CTC system's experiment")


def sampled(frames: np.ndarray, count: int) -> np.ndarray:
    """`count` frames spread evenly over [M, dim], all of them where there are fewer."""
    if len(frames) <= count:
        return frames
    return frames[((np.arange(count) + 0.5) * len(frames) / count).astype(np.int64)]


def check_data(data: Path, system: System) -> None:
    """Refuse a data directory without what the system reads."""
    needed = "feats.scp" if isinstance(system, Senone) else "wav.scp"
    if not (data / needed).is_file():
        raise HiddenError(f"{data / needed}: no such file; the system reads it")
