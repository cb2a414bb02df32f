"""An utterance of a training epoch, with the random numbers that belong to it wherever and whenever it is read."""

import zlib
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """Item of a batch: which utterance, in which epoch of which seed."""

    number: int
    seed: int
    epoch: int

    def generator(self, name: str) -> np.random.Generator:
        """The generator for all that is drawn for the utterance of this name in this epoch."""
        return np.random.default_rng([self.seed, self.epoch, zlib.crc32(name.encode())])


def draws(batches: list[list[int]], seed: int, epoch: int) -> list[list[Draw]]:
    """Batches of utterance numbers as batches of an epoch."""
    return [[Draw(number, seed, epoch) for number in batch] for batch in batches]
