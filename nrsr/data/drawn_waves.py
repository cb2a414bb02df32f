"""The waveforms of a training epoch as a mapping, for what goes through them without training."""

from collections.abc import Iterator, Mapping

import numpy as np

from nrsr.data.draw import Draw
from nrsr.data.waveforms import WaveformDataset


class DrawnWaves(Mapping):
    """utterance -> waveform [T] as the first training epoch of a seed has it; `dataset` is prepared for training."""

    def __init__(self, dataset: WaveformDataset, seed: int):
        self._dataset, self._seed = dataset, seed
        self._numbers = {name: number for number, name in enumerate(dataset.ids)}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._dataset[Draw(self._numbers[name], self._seed, 0)].wave

    def __contains__(self, name: object) -> bool:
        return name in self._numbers  # Mapping's own way would read the audio to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
