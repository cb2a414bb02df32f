"""What a training ran on: Python, libraries, the git commit of nrsr."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import nrsr

LIBRARIES = ("torch", "torchaudio", "numpy", "kaldiio", "soundfile", "sentencepiece")


def versions_text() -> str:
    """One line per part, "name version"."""
    found = {"python": platform.python_version(), "nrsr": nrsr.__version__, "git": git_commit()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    found["cuda"] = torch.version.cuda or "none"
    found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    found["machine"] = f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads"
    return "".join(f"{name} {value}\n" for name, value in found.items())


def git_commit() -> str:
    """Commit of the tree that nrsr is run from, "changed" added where it differs; "none" outside git."""
    tree = Path(nrsr.__file__).parent.parent
    try:
        commit = _git(tree, "rev-parse", "HEAD")
        return commit + (" changed" if _git(tree, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "none"


def _git(tree: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(tree), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
