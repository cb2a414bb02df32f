"""An experiment folder: the trained system with its config and units, ready to use."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nrsr.config import ConfigError, load_yaml
from nrsr.data.units import Units
from nrsr.errors import NrsrError
from nrsr.experiment.checkpoint import load_checkpoint, load_weights, weights_in
from nrsr.experiment.metadata import read_metadata
from nrsr.systems import System, build_system, system_class


class ExperimentError(NrsrError):
    """A folder is no experiment, or not a finished one."""


@dataclass(frozen=True)
class Experiment:
    """A trained experiment, or a system that needs no training.

    Attributes:
        path: its folder, or the config of a system that needs no training.
        config: that of config.yaml, the seed included.
        system: with the weights of model.pt, in evaluation mode, on the CPU.
        units: None where the system needs none.
    """

    path: Path
    config: dict[str, Any]
    system: System
    units: Units | None


def load_config(path: str | Path, changes: Iterable[str] = ()) -> dict[str, Any]:
    """The config of an experiment folder, with changes `key.inner=value`.

    Raises:
        ExperimentError: no config.yaml.
        ConfigError: config.yaml is broken.
    """
    file = Path(path) / "config.yaml"
    if not file.is_file():
        raise ExperimentError(f"{file}: no such file; give a folder that nrsr train has made")
    return load_yaml(file, changes)


def load(path: str | Path, changes: Iterable[str] = ()) -> Experiment:
    """Read an experiment folder.

    Args:
        changes: `key.inner=value` settings that replace those of the training and leave the weights as they are.

    Raises:
        ExperimentError: no config.yaml.
        UnitsError, ConfigError, CheckpointError: units, config or model.pt missing, broken, or not of one training.
    """
    path, config = Path(path), load_config(path, changes)
    try:
        units = Units.load(path / "units") if system_class(config).needs_units else None
        system = build_system(config, len(units) if units else None, read_metadata(path))
    except ConfigError as error:
        raise ConfigError(f"{path / 'config.yaml'}: {error}") from error
    file, cure = path / "model.pt", "finish nrsr train, or run nrsr average for the epochs so far"
    load_weights(system, weights_in(load_checkpoint(file, cure), file, cure), file)
    return Experiment(path, config, system.eval(), units)
