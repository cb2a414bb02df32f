"""A system that needs no training, ready from its config alone: classical methods, models from the shelf."""

from pathlib import Path
from typing import Any

from nrsr.config import ConfigError
from nrsr.experiment.folder import Experiment, ExperimentError
from nrsr.listing import listed
from nrsr.systems import build_system, system_class


def untrained(path: str | Path, config: dict[str, Any]) -> Experiment:
    """Build the system of a config that no training has filled.

    Args:
        path: the config's file, for messages.
        config: with `sample_rate` and `system`.

    Raises:
        ExperimentError: the system has parameters that training sets, or units.
        ConfigError: a missing key, or a class or argument that does not fit.
    """
    path = Path(path)
    cure = f"train it with nrsr train --config {path}, and give its folder as --exp"
    try:
        kind = system_class(config)
        if kind.needs_units:
            raise ExperimentError(f"{path}: {kind.__name__} has units of transcripts, which training chooses; {cure}")
        system = build_system(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    trained = [name for name, parameter in system.named_parameters() if parameter.requires_grad]
    if trained:
        raise ExperimentError(
            f"{path}: {kind.__name__} has parameters that are not trained ({listed(trained)}); {cure}"
        )
    return Experiment(path, config, system.eval(), None)
