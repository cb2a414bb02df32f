"""An utterance of a training epoch, with the random numbers that belong to it wherever and whenever it is read."""

import zlib
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """Item of a batch: which utterance, in which epoch of which seed, and where its segment begins (None draws it)."""

    number: int
    seed: int
    epoch: int
    start: int | None = None

    def generator(self, name: str) -> np.random.Generator:
        """The generator for all that is drawn for the utterance, or segment, of this name in this epoch."""
        place = [] if self.start is None else [self.start]
        return np.random.default_rng([self.seed, self.epoch, zlib.crc32(name.encode()), *place])
