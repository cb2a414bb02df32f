"""Where numbers come from: the date, the state of the code, the machine (its kind, not its name)."""

import os
import platform
from datetime import date
from pathlib import Path

from nrsr.experiment.revision import commit, short


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
    return f"{date.today().isoformat()}, commit {short(commit())}, {processor()}"
