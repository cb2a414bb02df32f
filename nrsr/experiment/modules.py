"""The config's `init` and `freeze`: initial weights from other files, and modules that are not trained."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.experiment.checkpoint import FORMAT, CheckpointError, description, load_file, oddity
from nrsr.experiment.frozen import whole_weights
from nrsr.experiment.settings import InitSettings

ALL = "all"
LISTED = 8  # names in a message
CURE = "name an experiment, one of its checkpoints, or a file with a state dict"


def initialise(system: nn.Module, init: Mapping[str, InitSettings]) -> list[str]:
    """Put first weights into modules, every name, shape and kind of number matching.

    Returns:
        A line for each module, that says where its weights come from.

    Raises:
        ConfigError: no such module, here or there.
        CheckpointError: a source that is no good, or weights that do not fit: all that is missing, left over or of
            another shape, by name.
    """
    notes = []
    for name, entry in init.items():
        module = find_module(system, name, f"init.{name}")
        path = entry.source / "model.pt" if entry.source.is_dir() else entry.source
        weights = within(source_weights(path), entry.module)
        if not weights:
            known = ", ".join(_shortened(_top(source_weights(path))))
            raise ConfigError(f"init.{name}: {path} has no module {entry.module}; it has {known}")
        if odd := misfits(module.state_dict(), weights):
            raise CheckpointError(f"init.{name}: {entry.module} of {path} does not fit: {odd}")
        module.load_state_dict(weights, strict=True)
        with open(path, "rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
        notes.append(f"{name}: initialised from {entry.module} of {path} (sha256 {checksum[:16]})")
    return notes


def freeze(system: nn.Module, names: Iterable[str]) -> dict[str, nn.Module]:
    """Take the modules' parameters out of training; the modules by name.

    Raises:
        ConfigError: no such module.
    """
    modules = {name: find_module(system, name, "freeze") for name in names}
    for module in modules.values():
        module.requires_grad_(False)
    return modules


def find_module(system: nn.Module, name: str, where: str) -> nn.Module:
    """The module of this name, "all" being the system itself.

    Raises:
        ConfigError: there is none; names those that there are.
    """
    modules = dict(system.named_modules())
    if name == ALL:
        return system
    if not name or name not in modules:
        known = ", ".join(_shortened(child for child, _ in system.named_children()))
        raise ConfigError(f"{where}: the system has no module {name!r}; it has {known}, and what is in them")
    return modules[name]


def source_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint of nrsr, or of a file with a state dict, perhaps within mappings.

    Raises:
        CheckpointError: no such file, or none of these.
    """
    content = load_file(path, CURE)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return whole_weights(content, path, CURE)
    weights = flattened(content)
    if not weights:
        raise CheckpointError(f"{path}: holds no weights; {CURE}")
    for name, value in weights.items():
        if odd := oddity(value):
            raise CheckpointError(f"{path}: {name} is {odd}, not a weight; {CURE}")
    return weights


def flattened(content: Any, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of mappings within mappings, by their names with dots between."""
    if isinstance(content, Tensor):
        return {prefix: content}
    tensors: dict[str, Tensor] = {}
    if isinstance(content, dict):
        for key, value in content.items():
            tensors |= flattened(value, f"{prefix}.{key}" if prefix else str(key))
    return tensors


def within(weights: Mapping[str, Tensor], module: str) -> dict[str, Tensor]:
    """The weights of one module, by their names in it."""
    if module == ALL:
        return dict(weights)
    return {name.removeprefix(f"{module}."): value for name, value in weights.items() if name.startswith(f"{module}.")}


def misfits(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Why the weights `given` do not fit a module with the weights `own`; nothing where they do."""
    shapes = [
        f"{name} {description(given[name])} for {description(own[name])}"
        for name in own
        if name in given and description(given[name]) != description(own[name])
    ]
    parts = {
        "missing": [name for name in own if name not in given],
        "left over": [name for name in given if name not in own],
        "other shapes": shapes,
    }
    return "; ".join(f"{what}: {', '.join(_shortened(names))}" for what, names in parts.items() if names)


def _top(weights: Mapping[str, Tensor]) -> list[str]:
    return list(dict.fromkeys(name.split(".")[0] for name in weights))


def _shortened(names: Iterable[str]) -> list[str]:
    names = list(names)
    return names if len(names) <= LISTED else [*names[:LISTED], f"and {len(names) - LISTED} more"]
