"""Building the object that a config describes, with the class checked against its slot first."""

import importlib
import inspect
from typing import Any, TypeVar

from nrsr.config.origins import is_trusted, rule
from nrsr.errors import NrsrError

Built = TypeVar("Built")
LARGEST = 10_000_000  # of whole numbers that classes get
REPEATED = ("blocks", "layers", "stacks", "heads", "depth", "masks")  # arguments that say how many parts are built
MOST_REPEATED = 1000


class ConfigError(NrsrError):
    """A config names a key, class or value that does not fit."""


def find_class(spec: dict[str, Any], base: type[Built], where: str) -> type[Built]:
    """The class at the dotted path `spec["class"]`, refused unless it is a whole subclass of `base`.

    Raises:
        ConfigError: a class that cannot be imported or does not fit; one whose module is not trusted is not imported.
    """
    if not isinstance(spec, dict) or "class" not in spec:
        raise ConfigError(f"{where}: expected a mapping with the key 'class', found {spec!r}")
    path = str(spec["class"])
    module_name, _, name = path.rpartition(".")
    if not is_trusted(module_name):
        raise ConfigError(f"{where}.class: {path!r} is not imported: {rule()}; check the spelling, or add it there")
    try:
        class_ = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # whatever a user's own module raises
        what = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{where}.class: cannot import {path!r} ({what}); check the spelling, or mend it") from error
    if not (inspect.isclass(class_) and issubclass(class_, base)):
        raise ConfigError(f"{where}.class: {path!r} is no {base.__module__}.{base.__qualname__}, which this slot takes")
    if inspect.isabstract(class_):
        lacking = ", ".join(sorted(class_.__abstractmethods__))
        raise ConfigError(f"{where}.class: {path!r} has no {lacking}; write it, or name a class that has it")
    return class_


def _check_sizes(arguments: dict[str, Any], where: str) -> None:
    """Refuse numbers too large to build an object with, before hours are spent on it."""
    for key, value in arguments.items():
        most = MOST_REPEATED if key in REPEATED else LARGEST
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, int) and abs(number) > most:
                raise ConfigError(f"{where}.{key}: {number} lies beyond {most}; correct the value")


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
    class_ = find_class(spec, base, where)
    arguments = {key: value for key, value in spec.items() if key != "class"}
    taken = sorted(arguments.keys() & given.keys())
    if taken:
        raise ConfigError(f"{where}: {', '.join(taken)} is set by the program; remove it from the config")
    _check_sizes(arguments, where)
    signature = inspect.signature(class_)
    try:
        signature.bind(**arguments, **given)
    except TypeError as error:
        raise ConfigError(f"{where}: {spec['class']} {error}; it takes {', '.join(signature.parameters)}") from error
    try:
        return class_(**arguments, **given)
    except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError, MemoryError) as error:
        values = ", ".join(f"{key}: {value!r}" for key, value in arguments.items() if not isinstance(value, dict))
        raise ConfigError(
            f"{where}: {spec['class']} does not take {{{values}}} ({error}); correct the value, or see --debug"
        ) from error
