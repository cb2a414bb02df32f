"""How messages list utterances or words: the first few."""

from collections.abc import Iterable

SHOWN = 5


def shown(names: Iterable[str], count: int = SHOWN) -> str:
    """The first names, with spaces between them, and dots where there are more."""
    names = list(names)
    return " ".join(names[:count]) + (" ..." if len(names) > count else "")


def listed(names: Iterable[str], count: int = SHOWN) -> str:
    """The first names, with commas between them, and how many more there are."""
    names = list(names)
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")
