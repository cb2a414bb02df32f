"""What normalisation statistics were computed from: the settings of the features, in a YAML file beside the ark."""

from pathlib import Path
from typing import Any

from nrsr.config import load_yaml, save_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.differences import changed_values

# The parts of a config that decide the features of a system and of its front-end.
KEYS = (
    *("sample_rate", "system.class", "system.features", "system.samples", "system.n_fft"),
    *("system.frontend.class", "system.frontend.features", "system.frontend.n_fft", "system.frontend.hop"),
    *("data.channel", "data.augment", "data.cmvn", "data.deltas", "data.delta_window", "init.features"),
)


class OtherFeaturesError(NrsrError):
    """Statistics were computed from other features than those of the config."""


def settings_file(ark: str | Path) -> Path:
    """The file beside the ark of a system's statistics."""
    return Path(ark).with_suffix(".features.yaml")


def feature_settings(config: dict[str, Any]) -> dict[str, Any]:
    """The parts of a config that decide its features."""
    parts: dict[str, Any] = {}
    for key in KEYS:
        value, into = config, parts
        *outer, name = key.split(".")
        for step in outer:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict) and name in value:
            for step in outer:
                into = into.setdefault(step, {})
            into[name] = value[name]
    return parts


def write_feature_settings(ark: str | Path, config: dict[str, Any]) -> None:
    """Write the file beside the ark."""
    save_yaml(feature_settings(config), settings_file(ark))


def check_feature_settings(ark: Path, config: dict[str, Any]) -> None:
    """Refuse statistics of other features; those of earlier versions, without the file, are taken.

    Raises:
        OtherFeaturesError: the settings of the features are not the same.
    """
    file = settings_file(ark)
    if not file.is_file():
        return
    if changed := changed_values(load_yaml(file), feature_settings(config)):
        text = "; ".join(f"{key}: {old} -> {new}" for key, old, new in changed)
        raise OtherFeaturesError(
            f"{ark}: computed from other features: {text}; run nrsr compute-cmvn again (stage 2 of a recipe)"
        )
