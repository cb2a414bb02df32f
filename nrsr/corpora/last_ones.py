"""Sets of a single speaker's corpus: the last recordings are tested, those before them are for development."""

from collections.abc import Sequence
from typing import TypeVar

from nrsr.errors import NrsrError

Item = TypeVar("Item")


class TooFewError(NrsrError):
    """Too few recordings to fill the sets."""


def divide(items: Sequence[Item], dev: int, test: int, cure: str) -> dict[str, list[Item]]:
    """Set -> its items: test the last `test` ones, dev the `dev` ones before them, train all others, in their order.

    Raises:
        TooFewError: none would be left to train on.
    """
    if len(items) <= dev + test:
        raise TooFewError(f"{len(items)} recordings, of which {dev + test} are not for training: too few; {cure}")
    train = len(items) - dev - test
    return {"train": list(items[:train]), "dev": list(items[train : train + dev]), "test": list(items[train + dev :])}
