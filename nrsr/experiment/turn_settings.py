"""The config's turns: whose losses are weighted how, and when which parameters move."""

import math
from dataclasses import dataclass, field
from typing import Any

from nrsr.config import ConfigError, check_keys, settings_from

# The keys of a turn; without `turns` the first four are at the top of the config, for the turn "main".
TURN_KEYS = ("loss_weights", "gradients", "optimiser", "schedule")
GAME_KEYS = (*TURN_KEYS, "start", "every", "repeat", "clip")
SUM = {"class": "nrsr.gradients.Sum"}
CONSTANT = {"class": "nrsr.training.schedules.Constant"}


@dataclass(frozen=True)
class LossWeight:
    """The weight of a loss, written as a number or as `{weight: 4.0, start: 100000}`.

    Attributes:
        weight: what multiplies the loss.
        start: steps of the training before the loss counts.
    """

    weight: float
    start: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight):
            raise ConfigError(f"{self.weight} is no number")
        if self.start < 0:
            raise ConfigError(f"start: {self.start} is too small; take 0 or more")


@dataclass(frozen=True)
class TurnSettings:
    """One entry of the config's `turns`.

    Attributes:
        loss_weights: loss name -> its `LossWeight`.
        optimiser, schedule, gradients: `{class: ..., ...}`.
        start: steps of the training before the turn first moves.
        every: from there on it moves in one step of so many, the first of them included.
        repeat: own steps, each on a batch of its own, when it moves.
        clip: largest global norm of its gradients; null leaves them as they are; `training.clip` where it says nothing.
    """

    loss_weights: dict
    optimiser: dict
    schedule: dict = field(default_factory=lambda: dict(CONSTANT))
    gradients: dict = field(default_factory=lambda: dict(SUM))
    start: int = 0
    every: int = 1
    repeat: int = 1
    clip: float | None = None

    def moves(self, step: int) -> bool:
        """Whether the turn moves at this step of the training (0 is the first)."""
        return step >= self.start and (step - self.start) % self.every == 0

    def own_step(self, step: int) -> int:
        """Its own steps before this step of the training."""
        return max(0, -(-(step - self.start) // self.every)) * self.repeat

    def weights_at(self, step: int) -> dict[str, float]:
        """The weights of the losses that count at this step of the training."""
        return {name: loss.weight for name, loss in self.loss_weights.items() if step >= loss.start}


def parse_turns(config: dict[str, Any], clip: float | None = None) -> dict[str, TurnSettings]:
    """The turns of a config by name; "main" where it has no `turns`.

    Args:
        clip: `training.clip`, of turns that say nothing else.

    Raises:
        ConfigError: keys that are unknown, missing or in the wrong place, a value of another kind.
    """
    main = {key: config[key] for key in TURN_KEYS if key in config}
    if "turns" not in config:
        return {"main": _parse(main, "", clip)}
    if main:
        raise ConfigError(f"{', '.join(main)} is set beside turns; set it within each turn")
    specs = config["turns"]
    if not isinstance(specs, dict) or not all(isinstance(spec, dict) for spec in specs.values()):
        raise ConfigError(f"turns: expected `name: {{loss_weights: ..., optimiser: ...}}` lines, found {specs!r}")
    return {str(name): _parse(spec, f"turns.{name}.", clip) for name, spec in specs.items()}


def _parse(spec: dict[str, Any], where: str, clip: float | None) -> TurnSettings:
    place = where.rstrip(".") or "config"
    check_keys(spec, GAME_KEYS, place)
    weights = spec.get("loss_weights")
    if not isinstance(weights, dict) or not weights:
        raise ConfigError(f"{where}loss_weights: expected `name: weight` lines, found {weights!r}")
    losses = {str(name): _weight(value, f"{where}loss_weights.{name}") for name, value in weights.items()}
    settings = settings_from(TurnSettings, {"clip": clip, "optimiser": {}, **spec, "loss_weights": losses}, place)
    for name, least in (("start", 0), ("every", 1), ("repeat", 1)):
        if getattr(settings, name) < least:
            raise ConfigError(f"{where}{name}: {getattr(settings, name)} is too small; take {least} or more")
    if settings.clip is not None and not settings.clip > 0:
        raise ConfigError(f"{where}clip: {settings.clip} is too small; take more than 0, or null for no clipping")
    if not any(loss.weight for loss in losses.values()):
        raise ConfigError(f"{where}loss_weights: every weight is 0, so that the turn never moves; weight one loss")
    first = min(loss.start for loss in losses.values())
    if first > settings.start:
        raise ConfigError(f"{where}start: {settings.start}, but no loss counts before step {first}; take {first}")
    return settings


def _weight(value: Any, where: str) -> LossWeight:
    try:
        return settings_from(LossWeight, value if isinstance(value, dict) else {"weight": value}, "weight")
    except ConfigError as error:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: {value!r} is no number") from error
        raise ConfigError(f"{where}: {error}; write a number, or {{weight: 4.0, start: 100000}}") from error
