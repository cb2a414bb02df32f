"""Refuses initial weights of a front-end with a vocoder that were trained on mels of another definition."""

from collections.abc import Collection, Mapping
from pathlib import Path

from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.data.mel_inputs import features_of
from nrsr.datadirs.feature_definition import differences
from nrsr.experiment.folder import load_config
from nrsr.frontends import MelVocoder

GENERATOR, NORM = "generator", "norm"


def refuse_other_mels(
    system: nn.Module, init: Collection[str], name: str, source: Path, module: str, weights: Mapping[str, Tensor]
) -> None:
    """Compare the mels of a front-end with those of the experiment that its weights come from, number by number.

    A source without config.yaml says nothing about its mels, and is taken.

    Args:
        init: all modules that are initialised.
        name: the one that gets weights now; only a `MelVocoder` and what is in it, or around it, is compared.
        source: the file of the weights, in an experiment or in its checkpoints.
        module, weights: which module in the source, and all that the source holds.

    Raises:
        ConfigError: names each number that differs; or a vocoder's generator without the mean and variance of the
            features that it was trained on.
    """
    frontends = {place: child for place, child in system.named_modules() if isinstance(child, MelVocoder)}
    folder = source.parent.parent if source.parent.name == "checkpoints" else source.parent
    if not frontends or not (folder / "config.yaml").is_file():
        return
    config = load_config(folder)
    described = config.get("system", {})
    described = described.get("frontend", described)
    for place, frontend in frontends.items():
        vocoder = f"{place}.vocoder"
        if "features" not in described or not (_holds(name, place) or _holds(place, name)):
            continue
        try:
            stored = features_of({**config, "system": described}).definition()
        except ConfigError as error:
            raise ConfigError(f"init.{name}: {folder / 'config.yaml'}: {error}") from error
        wanted = frontend.features.definition()
        if generates := _holds(f"{vocoder}.{GENERATOR}", name):
            norm = module.partition(GENERATOR)[0] + NORM
            stored["normalise"] = any(_holds(norm, weight) for weight in weights)
            wanted["normalise"] = NORM in frontend.vocoder
        if different := differences(stored, wanted):
            raise ConfigError(
                f"init.{name}: {folder} was trained on other mels: {different}, as the config has it; set "
                f"system.{place}.features and normalise by {folder / 'config.yaml'}"
            )
        if generates and wanted["normalise"] and not any(_holds(given, f"{vocoder}.{NORM}") for given in init):
            raise ConfigError(
                f"init.{vocoder}.{NORM}: missing, and the generator of {folder} takes features with the mean and "
                f"variance of its own training; add {{from: {folder}, module: {norm}}}"
            )


def _holds(outer: str, inner: str) -> bool:
    """Whether a module is another one, or lies in it."""
    return outer == "all" or inner == outer or inner.startswith(f"{outer}.")
