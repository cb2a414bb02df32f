"""Checks of the numbers that several augmentations take from a config."""

import math
from typing import Any

from nrsr.config import ConfigError


def checked_range(value: Any, where: str, unit: str) -> tuple[float, float]:
    """`[lowest, highest]` as two floats.

    Args:
        where: class and argument, for messages ("AddNoise: snr").

    Raises:
        ConfigError: not two finite numbers, or upside down.
    """
    fits = isinstance(value, list | tuple) and len(value) == 2 and all(is_number(each) for each in value)
    if not fits or value[0] > value[1]:
        raise ConfigError(f"data.augment: {where}: {value!r} is no range of {unit}; give [lowest, highest]")
    return float(value[0]), float(value[1])


def checked_probability(value: Any, where: str) -> float:
    """A number from 0 to 1.

    Raises:
        ConfigError: anything else.
    """
    if not is_number(value) or not 0.0 <= value <= 1.0:
        raise ConfigError(f"data.augment: {where}: {value!r} is no probability; give a number from 0 to 1")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether a value of a config is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
