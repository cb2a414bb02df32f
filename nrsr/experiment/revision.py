"""The git commit of nrsr's code."""

import subprocess
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def commit() -> str:
    """The commit of nrsr's code, " changed" added where its files differ from it; "none" outside git."""
    try:
        return _git("rev-parse", "HEAD") + (" changed" if _git("status", "--porcelain", "-uno", str(PACKAGE)) else "")
    except (OSError, subprocess.SubprocessError):
        return "none"


def short(revision: str) -> str:
    """A commit with ten letters of its hash, for tables."""
    name, *changed = revision.split()
    return " ".join([name[:10], *changed])


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PACKAGE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
