"""Frames of a hidden layer for the utterances of a data directory, from any system that shows its layers."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nrsr.inference.application import ApplyError, SystemOutputs, of_experiment
from nrsr.inference.batches import make_batches
from nrsr.inference.driver import Pass, Settings, shared
from nrsr.kaldi import DataDir
from nrsr.systems import System


def layer_name(system: System, layer: int) -> str:
    """The output that is a hidden layer: 1 for the first, 0 for the last.

    Raises:
        ApplyError: no such layer, or none at all.
    """
    names = [name for name in system.outputs() if re.fullmatch(r"layer\d+", name)]
    if not names:
        raise ApplyError(f"{type(system).__name__}: shows no layers; give the experiment of another system")
    if not 0 <= layer <= len(names):
        raise ApplyError(f"--layer {layer}: the system has the layers 1 to {len(names)}, and 0 for the last")
    return names[layer - 1]


def hidden_frames(
    exp: Path, layer: str, data: DataDir, utterances: list[str], device: str = "cpu"
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (utterance, float32 [M, dim]) in any order, without those that are too short for a frame.

    Raises:
        ApplyError: utterances that failed.
        NrsrError: data that cannot be read.
    """
    settings = Settings()
    application, make = shared(functools.partial(of_experiment, SystemOutputs, exp, [layer], device), settings)
    inputs = application.open(data)
    durations = inputs.durations()
    batches = make_batches({name: durations[name] for name in utterances}, settings.batch_size)
    run = Pass(make, inputs, batches, settings, f"batches of {data.path}")
    for name, result in run:
        if layer in result.values:
            yield name, result.values[layer]
    for name, failure in run.failures.items():
        raise ApplyError(f"{data.path}: {len(run.failures)} utterances failed; {name}: {failure.reason}")
