"""How the configs of several systems differ."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

IGNORED = frozenset({"seed"})
RUN = re.compile(r"_(fold|seed)[0-9]+")  # in the name of another experiment, as that of the teacher that is learnt from
FOLDERS = re.compile(r"(?<![^\s\[{'\"])/(?:[^\s,{}/]+/)*([^\s,{}/]+/[^\s,{}/]+)")  # an absolute path, its last names
ABSENT = object()


def config_differences(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """The settings that are not the same in all configs; paths may differ by the fold and seed of an experiment.

    Of absolute paths the last two names are shown, as teacher_fold0_seed1/layers_2-3-4.

    Args:
        configs: system -> its resolved config.

    Returns:
        dotted key -> system -> value as YAML ("-" where the config lacks the key). Objects of different classes are
        given whole, since the arguments of one say nothing about the other.
    """
    differences: dict[str, dict[str, str]] = {}
    _compare(dict(configs), "", differences)
    return differences


def _compare(values: dict[str, Any], key: str, differences: dict[str, dict[str, str]]) -> None:
    present = list(values.values())
    mappings = all(isinstance(value, Mapping) for value in present)
    if mappings and len({str(value.get("class")) for value in present}) == 1:
        names = dict.fromkeys(name for value in present for name in value)
        for name in names:
            if key or name not in IGNORED:
                inner = {system: value.get(name, ABSENT) for system, value in values.items()}
                _compare(inner, f"{key}.{name}" if key else str(name), differences)
    elif any(value != present[0] for value in present):
        texts = {system: _as_yaml(value) for system, value in values.items()}
        if len({RUN.sub("", text) for text in texts.values()}) > 1:
            differences[key] = {system: FOLDERS.sub(r"\1", text) for system, text in texts.items()}


def _as_yaml(value: Any) -> str:
    if value is ABSENT:
        return "-"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()
