"""How messages list utterances or words: the first few."""

from collections.abc import Sequence

SHOWN = 5


def shown(names: Sequence[str], count: int = SHOWN) -> str:
    """The first names, with spaces between them, and dots where there are more."""
    return " ".join(names[:count]) + (" ..." if len(names) > count else "")
