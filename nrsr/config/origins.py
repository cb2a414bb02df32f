"""The modules whose classes a config may name; checked before anything is imported."""

import importlib.util
import os
from pathlib import Path

PACKAGES = ("nrsr", "torch", "torchjd")
VARIABLE = "NRSR_MODULES"  # further modules that the user trusts, with commas between them
LOCAL = "local"  # name of the recipe's folder for the user's own modules; utils/path.sh puts it on PYTHONPATH


def is_trusted(module: str) -> bool:
    """Whether a module may be imported because a config names it: importing runs its code.

    Args:
        module: dotted path. Private parts (`_x`, `__main__`) are never trusted.
    """
    parts = module.split(".")
    if not all(part.isidentifier() and not part.startswith("_") for part in parts):
        return False
    trusted = (*PACKAGES, *filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))))
    return any(module == name or module.startswith(f"{name}.") for name in trusted) or _is_local(parts[0])


def _is_local(name: str) -> bool:
    """Whether Python would take a top-level module from a folder `local` on PYTHONPATH."""
    folders = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    local = [folder.resolve() for folder in folders if folder.name == LOCAL]
    if not local:
        return False
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return bool(places) and all(
        any(Path(place).resolve().is_relative_to(folder) for folder in local) for place in places
    )


def rule() -> str:
    """The trusted modules, for messages."""
    return (
        f"classes come from {', '.join(PACKAGES)}, from a folder {LOCAL}/ on PYTHONPATH, and from modules that the "
        f"environment variable {VARIABLE} lists"
    )
