"""Optional packages that bring trained models: where their files are, and what to do where they are missing."""

import importlib
import importlib.metadata
from pathlib import Path
from types import ModuleType

from nrsr.errors import NrsrError

INSTALL = "tools/install.sh --anchors"


class PackageError(NrsrError):
    """An optional package is missing, or is not the one that is needed."""


def packaged_file(package: str, name: str, user: str) -> Path:
    """The file `name` (its end, as models/model_1.onnx) of an installed package, which is not imported.

    Args:
        package: its name on the package index.
        user: what needs it, for the message.

    Raises:
        PackageError: the package is not installed, or has no such file.
    """
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        raise PackageError(f"{user} needs the package {package}, which is not installed; run {INSTALL}") from None
    for file in files:
        if file.match(name) and (path := Path(file.locate())).is_file():
            return path
    raise PackageError(f"{user}: the installed package {package} has no file {name}; run {INSTALL}")


def optional_module(module: str, user: str, install: str = INSTALL) -> ModuleType:
    """An optional module, imported.

    Args:
        user: what needs it, for the message.
        install: the command that installs it, for the message.

    Raises:
        PackageError: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # the last two of compiled parts that fit another torch
        raise PackageError(f"{user} needs {module}, which cannot be imported ({error}); run {install}") from None
