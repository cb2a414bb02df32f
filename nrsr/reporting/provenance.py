"""Where numbers come from: the date, the state of the code, the machine (its kind, not its name)."""

import os
import platform
import subprocess
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent


def commit() -> str:
    """The commit of the code that runs, "with changes" where its files differ from it; "unknown" outside git."""
    try:
        known = _git("rev-parse", "--short=10", "HEAD")
        return known + (" with changes" if _git("status", "--porcelain", "--untracked-files=no", ":/nrsr") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no git checkout)"


def _git(*arguments: str) -> str:
    done = subprocess.run(("git", "-C", str(HERE), *arguments), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def processor() -> str:
    """Model and number of cores of the CPU."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass  # not Linux: what platform knows must do
    return f"{model}, {os.cpu_count()} cores"


def provenance() -> str:
    """One line for a results file."""
    return f"{date.today().isoformat()}, commit {commit()}, {processor()}"
