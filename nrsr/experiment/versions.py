"""The versions that a training ran with: Python, libraries, the git commit of nrsr."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

import nrsr
from nrsr.experiment.revision import commit

LIBRARIES = ("torch", "torchaudio", "numpy", "kaldiio", "soundfile", "sentencepiece")


def versions_text() -> str:
    """One line per part, "name version"."""
    versions = {"python": platform.python_version(), "nrsr": nrsr.__version__, "git": commit()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            versions[library] = "not installed"
    versions["cuda"] = torch.version.cuda or "none"
    versions["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions["machine"] = f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads"
    return "".join(f"{name} {value}\n" for name, value in versions.items())
