"""What stored features are, by name and number: DATA/feats.yaml beside DATA/feats.scp, and how two of them differ."""

import hashlib
from pathlib import Path
from typing import Any

import yaml

from nrsr.config import ConfigError, load_yaml
from nrsr.files import atomic_open

NAME = "feats.yaml"

Definition = dict[str, Any]


def write_definition(folder: Path, definition: Definition) -> None:
    """Write the definition of a folder's features, or remove an earlier one where they have none."""
    if not definition:
        (folder / NAME).unlink(missing_ok=True)
        return
    with atomic_open(folder / NAME) as stream:
        yaml.safe_dump(definition, stream, sort_keys=False)


def read_definition(folder: Path) -> Definition | None:
    """The definition of a folder's features, None where it has none.

    Raises:
        ConfigError: a broken file.
    """
    file = folder / NAME
    if not file.is_file():
        return None
    definition = load_yaml(file)
    if odd := [name for name, value in definition.items() if not isinstance(value, int | float | str)]:
        raise ConfigError(f"{file}: {odd[0]} is no number or word; run nrsr make-feats on {folder} again")
    return definition


def name_of(definition: Definition) -> str:
    """A short name, the same for the same numbers: the sampling rate and a checksum, as "22050_1a2b3c4d"."""
    digest = hashlib.sha256(repr(sorted(definition.items())).encode()).hexdigest()
    return f"{definition['sample_rate']}_{digest[:8]}"


def differences(stored: Definition, wanted: Definition) -> str:
    """In what features differ from those that are wanted, as "hop 300, not 256"; nothing where they are the same."""
    names = [*wanted, *(name for name in stored if name not in wanted)]
    return ", ".join(
        f"{name} {stored.get(name, 'missing')}, not {wanted.get(name, 'given')}"
        for name in names
        if stored.get(name) != wanted.get(name)
    )
