"""The config of an experiment, parsed once into dataclasses and checked before anything is built."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nrsr.config import ConfigError, check_keys, settings_from
from nrsr.data.batches import BatchSettings
from nrsr.experiment.turn_settings import TURN_KEYS, TurnSettings, parse_turns

EXPERIMENT_KEYS = (
    *("sample_rate", "units", "system", "turns", *TURN_KEYS, "data", "batches", "training", "init", "freeze"),
    *("decoding", "seed"),
)
PRECISIONS = ("float32", "bfloat16", "float16")
DIRECTIONS = ("lowest", "highest")
LAST = "last"
SHARE_OF_STEPS = 10  # so many validations, where `steps` says no other number


@dataclass(frozen=True)
class Select:
    """How model.pt is chosen among the validations, written as `last`, a criterion, or `{criterion: ..., best: ...}`.

    Attributes:
        criterion: of the development data; "" takes the last validations.
        best: "lowest" or "highest".
    """

    criterion: str = ""
    best: str = "lowest"

    def __post_init__(self) -> None:
        if self.best not in DIRECTIONS:
            raise ConfigError(f"training.select.best: {self.best!r}: take one of {', '.join(DIRECTIONS)}")

    def key(self, criteria: dict[str, float], number: int) -> float:
        """Sort key of the validation with these criteria at this place in the order, lowest for the best."""
        if not self.criterion:
            return -float(number)
        return criteria[self.criterion] if self.best == "lowest" else -criteria[self.criterion]


@dataclass(frozen=True)
class TrainingSettings:
    """The config's `training`.

    Attributes:
        epochs: passes over the training data; or `steps` instead of it.
        steps: length of the training in steps, however many passes these are.
        validate_steps: with `steps`, validate and keep a checkpoint after so many; a tenth of all if null. With
            `epochs` each pass ends with that.
        clip: largest global norm of a turn's gradients; null leaves them as they are.
        accumulate: batches whose gradients make one step.
        select: criterion of the development data by which the best validations are chosen, the lowest being the best;
            or `{criterion: accuracy, best: highest}`; or `last`, for the last ones.
        average: model.pt averages so many of the best validations.
        patience: stop after so many validations without a new best one; null never stops early.
        ema: keep an exponential mean of the weights, which validations and model.pt then have; each step leaves so much
            of it (0.999, say) and takes the rest from the weights.
        precision: of the forward pass: "float32", or mixed precision with "bfloat16" or "float16".
        max_nonfinite: stop with an error after a turn has skipped so many steps one after the other.
        save_minutes, save_steps: also save after so much time, or so many steps, between validations.
        log_steps: one line in the log each so many steps.
    """

    epochs: int | None = None
    steps: int | None = None
    validate_steps: int | None = None
    clip: float | None = 5.0
    accumulate: int = 1
    select: str | dict = "loss"
    average: int = 5
    patience: int | None = None
    ema: float | None = None
    precision: str = "float32"
    max_nonfinite: int = 10
    save_minutes: float = 10.0
    save_steps: int | None = None
    log_steps: int = 50

    def __post_init__(self) -> None:
        whole = ("epochs", "steps", "validate_steps", "accumulate", "average", "patience", "max_nonfinite")
        for name in (*whole, "save_steps", "log_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"training.{name}: {value} is too small; take 1 or more")
        if (self.epochs is None) == (self.steps is None):
            problem = "is set beside epochs; take one of them out" if self.steps else "or epochs is missing; set one"
            raise ConfigError(f"training.steps: {problem}")
        if self.validate_steps is not None and self.steps is None:
            raise ConfigError("training.validate_steps: goes with training.steps; each epoch ends with a validation")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"training.precision: {self.precision!r}: take one of {', '.join(PRECISIONS)}")
        if self.clip is not None and not self.clip > 0:
            raise ConfigError(f"training.clip: {self.clip} is too small; take more than 0, or null for no clipping")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ConfigError(f"training.ema: {self.ema} must lie between 0 and 1, as 0.999; null keeps no mean")
        if self.patience is not None and not self.selection.criterion:
            raise ConfigError("training.patience: needs a criterion; set training.select, or take patience out")

    @property
    def selection(self) -> Select:
        """`select`, in its long form."""
        if isinstance(self.select, dict):
            return settings_from(Select, self.select, "training.select")
        return Select() if self.select == LAST else Select(self.select)

    @property
    def unit(self) -> str:
        """What validations are counted by: "epoch" or "step"."""
        return "step" if self.epochs is None else "epoch"

    @property
    def interval(self) -> int:
        """Steps between validations, with `steps`."""
        return self.validate_steps or max(1, self.steps // SHARE_OF_STEPS)


@dataclass(frozen=True)
class InitSettings:
    """One entry of the config's `init`: the weights of a module before training; its key is the module, or `all`.

    Attributes:
        source: the key `from`: an experiment, one of its checkpoints, or a file with a state dict.
        module: in the source, by default of the same name; `all` is all of it.
        first_layers: the source's transformer may have more layers; those past the module's are left out.
    """

    source: Path
    module: str
    first_layers: bool = False


@dataclass(frozen=True)
class ExperimentSettings:
    """A whole config.

    Attributes:
        config: what was parsed, the seed included; system and data are built from it as it is.
        units: this part as it is; None where the config has none.
        turns: name -> its settings, in the order of the config.
        init: module -> where its first weights come from.
        freeze: modules that are not trained.
    """

    config: dict[str, Any]
    sample_rate: int
    seed: int
    units: dict[str, Any] | None
    turns: dict[str, TurnSettings]
    batches: BatchSettings
    training: TrainingSettings
    init: dict[str, InitSettings]
    freeze: list[str]


def parse_experiment(config: dict[str, Any], where: str = "config") -> ExperimentSettings:
    """Settings from a config, read or written by hand.

    Raises:
        ConfigError: an unknown or missing key, a value of another kind, keys that exclude each other.
    """
    check_keys(config, EXPERIMENT_KEYS, where)
    needed = ["sample_rate", "system", "training"]
    needed += ["turns"] if "turns" in config else ["loss_weights", "optimiser"]
    missing = [key for key in needed if key not in config]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing from the config")
    rate, seed, units = config["sample_rate"], config.get("seed", 0), config.get("units")
    if isinstance(rate, bool) or not isinstance(rate, int) or rate < 1:
        raise ConfigError(f"{where}: sample_rate: expected a number such as 8000, found {rate!r}")
    if units is not None and not isinstance(units, dict):
        raise ConfigError(f"{where}: units: expected a mapping such as {{kind: word}}, found {units!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(f"{where}: seed: {seed!r} is no whole number from 0 to {2**32 - 1}; take another")
    training = settings_from(TrainingSettings, config["training"], "training")
    _ = training.selection  # what is wrong with it shows here
    freeze = config.get("freeze", [])
    if not isinstance(freeze, list) or not all(isinstance(name, str) for name in freeze):
        raise ConfigError(f"freeze: expected a list of modules, as [frontend], found {freeze!r}")
    return ExperimentSettings(
        config=config,
        sample_rate=rate,
        seed=seed,
        units=units,
        turns=parse_turns(config, training.clip),
        batches=settings_from(BatchSettings, config.get("batches"), "batches"),
        training=training,
        init=parse_init(config.get("init", {})),
        freeze=freeze,
    )


def parse_init(content: Any) -> dict[str, InitSettings]:
    """The config's `init`; modules within others may be written as mappings within mappings, as --set makes them.

    Raises:
        ConfigError: entries of another form, or one given twice.
    """
    shape = "`module: {from: exp/a}` lines"
    if not isinstance(content, dict):
        raise ConfigError(f"init: expected {shape}, found {content!r}")
    entries: dict[str, InitSettings] = {}
    for name, entry in _modules_of(content):
        if isinstance(entry, dict) and entry.get("from", "") is None:
            raise ConfigError(f"init.{name}.from: names no file; give one, as with --set init.{name}.from=FILE")
        if not isinstance(entry, dict) or not isinstance(entry.get("from"), str):
            raise ConfigError(f"init.{name}: expected {shape}, with the key 'from', found {entry!r}")
        check_keys(entry, ("from", "module", "first_layers"), f"init.{name}")
        first_layers = entry.get("first_layers", False)
        if not isinstance(first_layers, bool):
            raise ConfigError(f"init.{name}.first_layers: {first_layers!r}: take true or false")
        if name in entries:
            raise ConfigError(f"init.{name}: is given twice; take one of them out")
        entries[name] = InitSettings(Path(entry["from"]), str(entry.get("module", name)), first_layers)
    return entries


def _modules_of(content: dict[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    """The entries by the whole names of their modules."""
    for name, entry in content.items():
        if isinstance(entry, dict) and entry and all(isinstance(value, dict) for value in entry.values()):
            yield from _modules_of(entry, f"{outer}{name}.")
        else:
            yield f"{outer}{name}", entry
