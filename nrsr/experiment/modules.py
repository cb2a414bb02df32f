"""The config's `init` and `freeze`: initial weights from other files, and modules that are not trained."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.experiment.checkpoint import FORMAT, CheckpointError, description, load_file, oddity
from nrsr.experiment.frozen import whole_weights
from nrsr.experiment.init_mels import refuse_other_mels
from nrsr.experiment.public_encoders import (
    PublicEncoder,
    encoder_around,
    encoder_in,
    likeness,
    read_public,
    weights_file,
)
from nrsr.experiment.settings import InitSettings
from nrsr.nn.ssl_encoder import SslEncoder

ALL = "all"
LISTED = 8  # names in a message
TRANSFORMER_LAYER = re.compile(r"(?:.*\.)?transformer\.layers\.(\d+)\.")
CURE = "name an experiment, one of its checkpoints, or a file with a state dict"


def initialise(system: nn.Module, init: Mapping[str, InitSettings]) -> list[str]:
    """Put first weights into modules, every name, shape and kind of number matching.

    Returns:
        A line for each module, that says where its weights come from.

    Raises:
        ConfigError: no such module, here or there, first layers of a module that has no transformer, or a module that
            was trained on other mels (`refuse_other_mels`).
        CheckpointError: a source that is no good, or weights that do not fit: all that is missing, left over or of
            another shape, by name.
    """
    notes = []
    for name, entry in init.items():
        module, modules = find_module(system, name, f"init.{name}"), dict(system.named_modules())
        path, encoder = weights_file(entry.source), encoder_around(modules, name)
        weights, wanted, remark, cure = source_weights(path, encoder is not None), entry.module, "", ""
        if isinstance(weights, PublicEncoder):
            # In a public file the encoder is all there is.
            wanted = (name.removeprefix(encoder).lstrip(".") or ALL) if wanted == name else wanted
            remark = f", {weights.remark()}"
            cure = f"; the file holds {likeness(weights.weights)}: set model and sizes of {encoder} by that"
            weights = weights.weights
        chosen = within(weights, wanted)
        if not chosen:
            known = ", ".join(_shortened(_top(weights)))
            raise ConfigError(f"init.{name}: {path} has no module {wanted}; it has {known}")
        refuse_other_mels(system, init, name, path, wanted, weights)
        if entry.first_layers:
            chosen, depth = first_layers(chosen, module.state_dict(), f"init.{name}.first_layers")
            remark = f", the first {depth} layers{remark}"
        if odd := misfits(module.state_dict(), chosen):
            raise CheckpointError(f"init.{name}: {wanted} of {path} does not fit: {odd}{cure}")
        module.load_state_dict(chosen, strict=True)
        with open(path, "rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
        notes.append(f"{name}: initialised from {wanted} of {path} (sha256 {checksum[:16]}){remark}")
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


def refuse_random(system: nn.Module, frozen: Iterable[str], init: Iterable[str]) -> None:
    """Refuse self-supervised encoders that are frozen with random weights.

    Raises:
        ConfigError: no `init` gives one its weights, or a part of them; names the first such part.
    """
    frozen, init = tuple(frozen), tuple(init)
    encoders = [name for name, module in system.named_modules() if isinstance(module, SslEncoder)]
    for encoder in encoders:
        parameters = (name for name, _ in system.named_parameters() if _lies_in(name, [encoder]))
        if random := [name for name in parameters if _lies_in(name, frozen) and not _lies_in(name, init)]:
            raise ConfigError(
                f"freeze: {encoder} has random weights ({random[0]}); say where they come from, as with "
                f"--set init.{encoder}.from=FILE"
            )


def initialise_extractor(extractor: nn.Module, init: Mapping[str, InitSettings]) -> list[str]:
    """Give a feature extractor its weights; its modules are named as in a system, `features` and what is in it.

    Returns:
        As `initialise`.

    Raises:
        ConfigError, CheckpointError: as `initialise`, or weights of self-supervised features of which `init` says
            nothing.
    """
    system = nn.ModuleDict({"features": extractor})
    notes = initialise(system, init)
    if not any(isinstance(module, SslEncoder) for module in system.modules()):
        return notes
    if random := [name for name, _ in system.named_parameters() if not _lies_in(name, init)]:
        raise ConfigError(
            f"features: {', '.join(_shortened(random))}: no weights; say where they come from, as with --set "
            f"init.{random[0].rpartition('.')[0]}.from=FILE, or take features without them (layer: mean, no projection)"
        )
    return notes


def _lies_in(name: str, modules: Iterable[str]) -> bool:
    return any(module == ALL or name.startswith(f"{module}.") for module in modules)


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


def source_weights(path: Path, encoder: bool = False) -> dict[str, Tensor] | PublicEncoder:
    """The weights of a checkpoint of nrsr, or of a file with a state dict, perhaps within mappings.

    Args:
        encoder: take public files of self-supervised encoders as well.

    Raises:
        CheckpointError: no such file, or none of these.
    """
    content = read_public(path) if encoder else load_file(path, CURE)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return whole_weights(content, path, CURE)
    if encoder and (public := encoder_in(content, path)) is not None:
        return public
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


def first_layers(
    weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str
) -> tuple[dict[str, Tensor], int]:
    """The weights without those of transformer layers past the layers of `expected`, and the number of these.

    Raises:
        ConfigError: `expected` has no transformer layers.
    """
    depth = len({match[1] for name in expected if (match := TRANSFORMER_LAYER.match(name))})
    if not depth:
        raise ConfigError(f"{where}: the module has no transformer layers; leave the key out")
    past = [name for name in weights if (match := TRANSFORMER_LAYER.match(name)) and int(match[1]) >= depth]
    return {name: value for name, value in weights.items() if name not in past}, depth


def misfits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Why the weights `given` do not fit a module with the weights `expected`; nothing where they do."""
    shapes = [
        f"{name} {description(given[name])} for {description(expected[name])}"
        for name in expected
        if name in given and description(given[name]) != description(expected[name])
    ]
    parts = {
        "missing": [name for name in expected if name not in given],
        "left over": [name for name in given if name not in expected],
        "other shapes": shapes,
    }
    return "; ".join(f"{what}: {', '.join(_shortened(names))}" for what, names in parts.items() if names)


def _top(weights: Mapping[str, Tensor]) -> list[str]:
    return list(dict.fromkeys(name.split(".")[0] for name in weights))


def _shortened(names: Iterable[str]) -> list[str]:
    names = list(names)
    return names if len(names) <= LISTED else [*names[:LISTED], f"and {len(names) - LISTED} more"]
