"""Differences between two configs of one training."""

import inspect
import os
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

# Keys with no influence on the trained weights: they may change between a kill and the resumption.
HARMLESS = ("decoding", "batches.workers", "training.save_minutes", "training.save_steps", "training.log_steps")

ABSENT = "(not set)"


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; empty mappings and lists stay values."""
    if not isinstance(config, dict) or not config:
        return {prefix: config}
    flat = {}
    for key, value in config.items():
        flat.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat


def is_harmless(key: str) -> bool:
    """Whether a dotted key has no influence on the trained weights."""
    return any(key == harmless or key.startswith(harmless + ".") for harmless in HARMLESS)


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Differences between two configs that affect training, as "key: old -> new".

    A key that one of them lacks, and that has its default in the other, is none.
    """
    return [f"{key}: {before} -> {after}" for key, before, after in changed_values(old, new) if not is_harmless(key)]


def changed_values(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Dotted key, old and new value of all that differs; `ABSENT` where a config lacks a key.

    A key that one of them lacks, and that has its default in the other, is left out, if it affects the weights.
    """
    before, after = (flatten(_without_defaults(*pair)) for pair in ((old, new), (new, old)))
    return [
        (key, before.get(key, ABSENT), after.get(key, ABSENT))
        for key in [*before, *(key for key in after if key not in before)]
        if not _same(before.get(key, ABSENT), after.get(key, ABSENT))
    ]


def _same(before: Any, after: Any) -> bool:
    """Whether two values are the same; absolute paths are if they lead to one place."""
    if all(isinstance(value, str) and value.startswith("/") for value in (before, after)):
        return os.path.realpath(before) == os.path.realpath(after)
    return before == after


def _without_defaults(config: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A config without the keys that the other lacks and that have their default here."""
    return dict(_kept(config, other, (), config))


def _kept(part: dict, other: dict, place: tuple[str, ...], config: dict) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if name not in other and _is_default(value, part, (*place, str(name)), config):
            continue
        if isinstance(value, dict) and value and isinstance(others := other.get(name, {}), dict):
            value = dict(_kept(value, others, (*place, str(name)), config))
            if not value and name not in other:
                continue
        yield name, value


def _is_default(value: Any, part: dict, place: tuple[str, ...], config: dict) -> bool:
    """Whether a value is what the program takes for a key that is not set; not looked for where it is harmless."""
    if is_harmless(".".join(place)):
        return False
    if value in ({}, []) and len(place) == 1:
        return True  # of whole parts, as data and init
    *outer, name = place
    taker = _taker(part, outer, config)
    if taker is None:
        return False
    if is_dataclass(taker):
        defaults = {
            entry.name: entry.default if entry.default_factory is MISSING else entry.default_factory()
            for entry in fields(taker)
        }
    else:
        defaults = {key: entry.default for key, entry in inspect.signature(taker).parameters.items()}
    default = defaults.get(name, MISSING)
    default = list(default) if isinstance(default, tuple) else default
    return default == value and isinstance(default, bool) == isinstance(value, bool)


def _taker(part: dict, place: list[str], config: dict) -> type | None:
    """The class that takes the keys of a part of a config, as far as it is known."""
    from nrsr.config.build import ConfigError, find_class
    from nrsr.data.batches import BatchSettings
    from nrsr.experiment.settings import TrainingSettings
    from nrsr.experiment.turn_settings import TurnSettings
    from nrsr.systems import system_class

    match place:
        case ["training"]:
            return TrainingSettings
        case ["batches"]:
            return BatchSettings
        case [] | ["turns", _]:
            return TurnSettings
    try:
        if place == ["data"]:
            return system_class(config).data
        return find_class(part, object, ".".join(place)) if "class" in part else None
    except ConfigError:
        return None
