"""Reading and writing YAML files with errors that name file, line and key."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from nrsr.config.build import ConfigError
from nrsr.config.parse import MAX_DEPTH, ParseError, parse
from nrsr.files import atomic_open, cure_of


def load_yaml(path: str | Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read a YAML mapping, on top of the file or the files that its key `base` names, if it has one.

    Args:
        overrides: `key.inner=value` settings that replace what the file says; values are YAML.

    A mapping goes over the base's key by key; one with a `class` replaces the base's whole mapping. Of several bases
    each goes over those before it.

    Raises:
        ConfigError: no such file, bad YAML (with its line), no mapping, or a circle of bases.
    """
    content = _with_base(Path(path), (), {})
    for override in overrides:
        _override(content, override)
    return content


def _with_base(path: Path, seen: tuple[Path, ...], known: dict[Path, dict[str, Any]]) -> dict[str, Any]:
    """A file on top of its bases, which are read once even where several files name them."""
    place = path.resolve()
    if place in seen:
        raise ConfigError(f"{path}: is its own base; remove the key 'base' from one of the files")
    if place not in known:
        content, merged = _read(path), {}
        bases = content.pop("base", [])
        for name in bases if isinstance(bases, list) else [bases]:
            base = path.parent / str(name)
            if not base.is_file():
                raise ConfigError(
                    f"{path}: its base {base} is no file; correct the key 'base', which starts from its folder"
                )
            merged = _merge(merged, _with_base(base, (*seen, place), known))
        known[place] = _merge(merged, content)
    return known[place]


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both and "class" not in value else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        cure = cure_of(error, "name an existing config, as in conf/*.yaml")
        raise ConfigError(f"{path}: {error.strerror}; {cure}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 ({error}); convert the file") from error
    except ParseError as error:
        place = path if error.line is None else f"{path}:{error.line + 1}"
        raise ConfigError(f"{place}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected `key: value` lines at the top level")
    return _unshared(content)


def _unshared(value: Any) -> Any:
    """A copy in which each alias has its own value, so that changing one does not change the others."""
    if isinstance(value, dict):
        return {key: _unshared(inner) for key, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list) else value


def _override(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"--set {override}: expected key.inner=value")
    *outer, last = key.split(".")
    if len(outer) >= MAX_DEPTH:
        raise ConfigError(f"--set {key[:50]}...: is nested deeper than {MAX_DEPTH} levels")
    for name in outer:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise ConfigError(f"--set {override}: {name!r} holds no mapping")
    try:
        content[last] = parse(value)
    except ParseError as error:
        raise ConfigError(f"--set {key}: {error}") from error


def save_yaml(content: dict[str, Any], path: str | Path) -> None:
    """Write a mapping as YAML, keys in the order given."""
    with atomic_open(path) as stream:
        yaml.safe_dump(content, stream, sort_keys=False, allow_unicode=True)


def check_keys(content: dict[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse unknown keys, so that a misspelt setting is not ignored in silence."""
    allowed = set(allowed)
    unknown = sorted(str(key) for key in content.keys() - allowed)
    if unknown:
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(allowed))}")
