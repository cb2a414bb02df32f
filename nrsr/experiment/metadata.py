"""Metadata of the training data that a system is built with, stored in the experiment as metadata.json."""

import json
from pathlib import Path
from typing import Any

from nrsr.errors import NrsrError
from nrsr.files import atomic_open

NAME = "metadata.json"


class MetadataError(NrsrError):
    """A metadata.json that cannot be read."""


def write_metadata(metadata: dict[str, Any], folder: Path) -> None:
    """Write the entries of `TrainingSet.metadata`, one a line."""
    with atomic_open(folder / NAME) as stream:
        stream.write("{" + ",".join(f"\n{json.dumps(key)}: {json.dumps(metadata[key])}" for key in metadata) + "\n}\n")


def read_metadata(folder: Path) -> dict[str, Any]:
    """The metadata of an experiment, none where there is no such file.

    Raises:
        MetadataError: a broken file.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MetadataError(f"{path}: not JSON ({error}); copy that of the training again, or train again") from error
    if not isinstance(metadata, dict):
        raise MetadataError(f"{path}: is not a mapping; copy that of the training again, or train again")
    return metadata
