"""The config of an experiment: its keys, checked before anything is built."""

from dataclasses import dataclass
from typing import Any

from nrsr.config import ConfigError, check_keys

TURN_KEYS = ("loss_weights", "gradients", "optimiser", "schedule")
EXPERIMENT_KEYS = (
    *("sample_rate", "units", "system", "turns", *TURN_KEYS, "data", "batches", "training", "decoding", "seed"),
)
PRECISIONS = ("float32", "bfloat16", "float16")
# Keys with no influence on the trained weights: they may change between a kill and the resumption.
HARMLESS = ("decoding", "batches.workers", "training.save_minutes", "training.save_steps", "training.log_steps")


@dataclass(frozen=True)
class TrainingSettings:
    """The config's `training`.

    Attributes:
        epochs: passes over the training data.
        clip: largest global norm of a turn's gradients; null leaves them as they are.
        accumulate: batches whose gradients make one step.
        select: criterion of the development data by which the best epochs are chosen; the lowest is the best.
        average: model.pt averages so many of the best epochs.
        patience: stop after so many epochs without a new best one; null never stops early.
        precision: of the forward pass: "float32", or mixed precision with "bfloat16" or "float16".
        max_nonfinite: stop with an error after so many skipped steps one after the other.
        save_minutes, save_steps: also save after so much time, or so many steps, within an epoch.
        log_steps: one line in the log each so many steps.
    """

    epochs: int
    clip: float | None = 5.0
    accumulate: int = 1
    select: str = "loss"
    average: int = 5
    patience: int | None = None
    precision: str = "float32"
    max_nonfinite: int = 10
    save_minutes: float = 10.0
    save_steps: int | None = None
    log_steps: int = 50

    def __post_init__(self) -> None:
        for name in ("epochs", "accumulate", "average", "patience", "max_nonfinite", "save_steps", "log_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"training.{name}: {value} is too small; take 1 or more")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"training.precision: {self.precision!r}: take one of {', '.join(PRECISIONS)}")
        if self.clip is not None and self.clip <= 0:
            raise ConfigError(f"training.clip: {self.clip} is too small; take more than 0, or null for no clipping")


def check_experiment(config: dict[str, Any], where: str) -> None:
    """Refuse unknown and missing top-level keys, and values of another type."""
    check_keys(config, EXPERIMENT_KEYS, where)
    turn_keys = [key for key in TURN_KEYS if key in config]
    if "turns" in config and turn_keys:
        raise ConfigError(f"{where}: {', '.join(turn_keys)} stands beside turns; set it within each turn")
    needed = ["sample_rate", "system", "training"]
    needed += ["turns"] if "turns" in config else ["loss_weights", "optimiser"]
    missing = [key for key in needed if key not in config]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing from the config")
    if not isinstance(config["sample_rate"], int) or config["sample_rate"] < 1:
        raise ConfigError(f"{where}: sample_rate: expected a number such as 8000, found {config['sample_rate']!r}")
    if not isinstance(config.get("units", {}), dict):
        raise ConfigError(f"{where}: units: expected a mapping such as {{kind: word}}, found {config['units']!r}")
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(f"{where}: seed: {seed!r} is no whole number from 0 to {2**32 - 1}; take another")


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; empty mappings and lists stay values."""
    if not isinstance(config, dict) or not config:
        return {prefix: config}
    flat = {}
    for key, value in config.items():
        flat.update(flatten(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What changed between two configs and matters for training, as "key: old -> new"."""
    before, after = flatten(old), flatten(new)
    nothing = "(not set)"
    return [
        f"{key}: {before.get(key, nothing)} -> {after.get(key, nothing)}"
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key, nothing) != after.get(key, nothing)
        and not any(key == harmless or key.startswith(harmless + ".") for harmless in HARMLESS)
    ]
