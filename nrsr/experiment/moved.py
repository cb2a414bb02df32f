"""Experiments that were moved with the folder that they are in: paths in their configs, as they would be now."""

from pathlib import Path
from typing import Any


def relocated(value: Any, old: str, new: str) -> Any:
    """A config, a path, or another value with the paths below the moved folder as they are now.

    Args:
        old: absolute path of the experiment when it was trained.
        new: its absolute path now; the folder that was moved is where the two begin to differ, seen from the end.
    """
    old_parts, new_parts = list(Path(old).parts), list(Path(new).parts)
    while old_parts and new_parts and old_parts[-1] == new_parts[-1]:
        old_parts.pop()
        new_parts.pop()
    if not old_parts or not new_parts:
        return value
    return _replaced(value, Path(*old_parts), Path(*new_parts))


def _replaced(value: Any, old: Path, new: Path) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    if isinstance(value, str) and value.startswith(f"{old}/"):
        return str(new / Path(value).relative_to(old))
    return value
