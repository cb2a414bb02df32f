"""Building the object that a config describes, with the class checked against its slot first."""

import importlib
import inspect
from typing import Any, TypeVar

from nrsr.errors import NrsrError

Built = TypeVar("Built")


class ConfigError(NrsrError):
    """A config names a key, class or value that does not fit."""


def find_class(spec: dict[str, Any], base: type[Built], where: str) -> type[Built]:
    """The class at the dotted path `spec["class"]`, refused unless it is a whole subclass of `base`."""
    if not isinstance(spec, dict) or "class" not in spec:
        raise ConfigError(f"{where}: expected a mapping with the key 'class', found {spec!r}")
    path = str(spec["class"])
    module_name, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{where}.class: cannot import {path!r} ({error}); check the spelling, and that its folder is on PYTHONPATH"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, base)):
        raise ConfigError(f"{where}.class: {path!r} is no {base.__module__}.{base.__qualname__}, which this slot takes")
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise ConfigError(f"{where}.class: {path!r} has no {lacking}; write it, or name a class that has it")
    return found


def build(spec: dict[str, Any], base: type[Built], where: str, **given: Any) -> Built:
    """Build `spec["class"]` with the other keys of `spec`, and `given`, as its arguments.

    Args:
        spec: `{class: dotted.path, argument: value, ...}` as read from YAML.
        base: what the slot takes; the class must derive from it, and is checked before it is called.
        where: the slot's place in the config, for messages ("system.frontend").
        given: arguments that the program adds; a config may not set them.

    Raises:
        ConfigError: no class, a class that cannot be imported or does not fit, an unknown or missing argument, a
            value that the class does not take.
    """
    found = find_class(spec, base, where)
    arguments = {key: value for key, value in spec.items() if key != "class"}
    taken = sorted(arguments.keys() & given.keys())
    if taken:
        raise ConfigError(f"{where}: {', '.join(taken)} is set by the program; remove it from the config")
    signature = inspect.signature(found)
    try:
        signature.bind(**arguments, **given)
    except TypeError as error:
        raise ConfigError(f"{where}: {spec['class']} {error}; it takes {', '.join(signature.parameters)}") from error
    try:
        return found(**arguments, **given)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        values = ", ".join(f"{key}: {value!r}" for key, value in arguments.items() if not isinstance(value, dict))
        raise ConfigError(
            f"{where}: {spec['class']} does not take {{{values}}} ({error}); correct the value, or see --debug"
        ) from error
