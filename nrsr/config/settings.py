"""A part of a config as a dataclass of settings, with keys and types of values checked."""

from dataclasses import MISSING, fields
from typing import Any, TypeVar

from nrsr.config.build import ConfigError
from nrsr.config.yaml_files import check_keys

Settings = TypeVar("Settings")


def settings_from(kind: type[Settings], content: dict[str, Any] | None, where: str) -> Settings:
    """Settings from their part of the config; what it leaves out keeps the dataclass's default.

    Args:
        kind: a dataclass; the types of its fields are what values must have (whole numbers serve as floats).
        content: `{key: value, ...}` as read from YAML; None where the config has no such part.
        where: the part's place in the config, for messages ("training").

    Raises:
        ConfigError: no mapping, an unknown or missing key, a value of another type.
    """
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: expected `key: value` lines, found {content!r}")
    known = {field.name: field for field in fields(kind)}
    check_keys(content, known, where)
    for name, field in known.items():
        if name not in content:
            if field.default is MISSING and field.default_factory is MISSING:
                raise ConfigError(f"{where}.{name}: missing from the config")
            continue
        allowed, value = field.type, content[name]
        fits = isinstance(value, allowed) or (isinstance(0.5, allowed) and isinstance(value, int))
        if not fits or (isinstance(value, bool) and allowed is not bool):
            raise ConfigError(f"{where}.{name}: {value!r} is no {getattr(allowed, '__name__', allowed)}")
    return kind(**content)
