"""A task of its own outside the package: how loud is each utterance? Its input, system and output are all here."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nrsr.data.inputs import WaveInputs
from nrsr.data.output_writers import OutputWriter
from nrsr.data.outputs import Output, TextOutput, VectorOutput
from nrsr.systems import System


class LevelOutput(Output):
    """A number for each utterance, all of them in one JSON file."""

    def files(self, name: str) -> list[str]:
        return [f"{name}.json"]

    def writer(self, folder: Path, name: str) -> OutputWriter:
        return LevelWriter(folder / f"{name}.json")


class LevelWriter(OutputWriter):
    def __init__(self, path: Path):
        self.path, self.levels = path, {}

    def write(self, utterance: str, value: float) -> str | None:
        self.levels[utterance] = value
        return "are loud" if value > 0.5 else None

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            self.path.write_text(json.dumps(self.levels))


class Halved(WaveInputs):
    """Every second sample, with the utterances that it cannot read."""

    def __getitem__(self, utterance: str) -> np.ndarray:
        if utterance.endswith("u04"):
            raise LookupError("no such thing\nas this utterance")
        return super().__getitem__(utterance)[::2]


class Loudness(System):
    """Says whether an utterance is loud, and how loud."""

    reads = Halved

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def losses(self, batch, turn, wanted):
        return {}

    def validate(self, batch):
        return {}

    def outputs(self):
        return {"label": TextOutput(), "level": LevelOutput(), "posteriors": VectorOutput()}

    def infer(self, inputs, wanted):
        levels = [float(np.abs(wave).max() * self.scale) for wave in inputs]
        found = {
            "label": ["loud" if level > 0.5 else "soft" for level in levels],
            "level": levels,
            "posteriors": [torch.tensor([level, 1 - level]) for level in levels],
        }
        if any(len(wave) == 20 for wave in inputs):
            raise RuntimeError("a batch with an utterance of 20 samples")
        return {name: found[name] for name in wanted}
