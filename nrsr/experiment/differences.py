"""Differences between two configs of one training."""

from typing import Any

# Keys with no influence on the trained weights: they may change between a kill and the resumption.
HARMLESS = ("decoding", "batches.workers", "training.save_minutes", "training.save_steps", "training.log_steps")


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; empty mappings and lists stay values."""
    if not isinstance(config, dict) or not config:
        return {prefix: config}
    flat = {}
    for key, value in config.items():
        flat.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Differences between two configs that affect training, as "key: old -> new"."""
    before, after = flatten(old), flatten(new)
    nothing = "(not set)"
    return [
        f"{key}: {before.get(key, nothing)} -> {after.get(key, nothing)}"
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key, nothing) != after.get(key, nothing)
        and not any(key == harmless or key.startswith(harmless + ".") for harmless in HARMLESS)
    ]
