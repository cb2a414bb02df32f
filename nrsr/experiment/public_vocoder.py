"""Checkpoints of public vocoders as weights of ours: read without running code, every name accounted for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.experiment.checkpoint import CheckpointError, load_file, oddity
from nrsr.experiment.modules import flattened, misfits
from nrsr.experiment.public_names import LAYOUTS, Layout
from nrsr.listing import listed
from nrsr.nn.global_norm import GlobalNorm
from nrsr.systems.gan_vocoder import DISCRIMINATOR, GENERATOR, GanVocoder

CURE = "give a checkpoint of parallel-wavegan, or of the authors of MelGAN or HiFi-GAN"
# Beside weights, what the public trainings keep to go on.
OF_THE_TRAINING = ("optimizer", "scheduler", "steps", "epochs", "optim_g", "optim_d", "epoch")
UNLIKE_THE_PUBLISHED = {
    "mpd.discriminators.0.convs.0.0.": "the period networks of parallel-wavegan end in convolutions of 2, not of 3",
}
NORMED = "parametrizations.weight."
RENAMED = (
    {"weight_g": f"{NORMED}original0", "weight_v": f"{NORMED}original1"},  # weight norm before torch 2.0
    {"weight_orig": f"{NORMED}original", "weight_u": f"{NORMED}0._u", "weight_v": f"{NORMED}0._v"},  # spectral norm
    {name: name for name in (f"{NORMED}original0", f"{NORMED}original1")},
    {"weight": "weight"},
)


def import_public(system: GanVocoder, files: Sequence[Path], statistics: Path | None) -> list[str]:
    """Put the weights of public checkpoints into a vocoder; without theirs it has no discriminator afterwards.

    Args:
        files: checkpoints, one with a generator and perhaps one with its discriminators.
        statistics: mean and scale of the features, of a vocoder that normalises them.

    Returns:
        Remarks for the user: what came from where, and what was left.

    Raises:
        CheckpointError: a file that cannot be read, or of another network; all names that do not fit are listed.
    """
    notes, sources = [], {}
    for file in files:
        parts, left = read_public(file)
        if left:
            notes.append(f"{file}: left, since it is of the training: {', '.join(left)}")
        for weights in parts:
            if reason := next((why for mark, why in UNLIKE_THE_PUBLISHED.items() if _has(weights, mark)), None):
                notes.append(f"{file}: the discriminators are left: {reason}")
                continue
            player, layout = _player_of(system, weights, file)
            if player in sources:
                raise CheckpointError(f"{file}: holds a {player}, as {sources[player]} does; give one of them")
            network, sources[player] = getattr(system, player), file
            network.load_state_dict(converted(network, layout, weights, file), strict=True)
            notes.append(f"{player}: from {file}")
    if GENERATOR not in sources:
        raise CheckpointError(f"{', '.join(map(str, files))}: no generator among them; {CURE}")
    if DISCRIMINATOR not in sources:
        system.discriminator = None
        notes.append("there is no discriminator: the vocoder can be applied, and be what another training begins with")
    if (system.norm is None) != (statistics is None):
        raise CheckpointError(
            "the config's vocoder normalises no features; leave --statistics out, or set system.normalise: true"
            if system.norm is None
            else "the config's vocoder normalises its features; give the mean and scale of the training as --statistics"
        )
    if statistics is not None:
        load_mean_and_scale(system.norm, statistics)
        notes.append(f"statistics: from {statistics}")
    return notes


def read_public(file: Path) -> tuple[list[dict[str, Tensor]], list[str]]:
    """The networks of a public checkpoint, each as its weights by name, and what is left of it.

    Raises:
        CheckpointError: no such file, truncated, with objects that could run code, or with anything unknown.
    """
    content = load_file(file, CURE, older=True)
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{file}: holds a {type(content).__name__}, no weights; {CURE}")
    left = [name for name in OF_THE_TRAINING if name in content]
    rest = {name: value for name, value in content.items() if name not in left}
    networks: dict[str, Any] = {"": rest}
    if isinstance(rest.get("model"), Mapping):
        networks = rest.pop("model")
    elif GENERATOR in rest:
        networks = {GENERATOR: rest.pop(GENERATOR)}
    else:
        rest = {}
    if rest:
        raise CheckpointError(f"{file}: holds {listed(rest)} beside a network; {CURE}")
    parts = [flattened(weights) for weights in networks.values()]
    for name, value in ((name, value) for network in networks.values() for name, value in _leaves(network)):
        if odd := oddity(value):
            raise CheckpointError(f"{file}: {name} is {odd}, not a weight; {CURE}")
    if not all(parts):
        raise CheckpointError(f"{file}: holds no weights; {CURE}")
    return parts, left


def _leaves(content: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """All values of mappings within mappings, by their names with dots between."""
    if not isinstance(content, Mapping):
        return [(prefix, content)]
    parts = [_leaves(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in content.items()]
    return [leaf for part in parts for leaf in part]


def _has(weights: Mapping[str, Tensor], mark: str) -> bool:
    return any(name.startswith(mark) for name in weights)


def _player_of(system: GanVocoder, weights: Mapping[str, Tensor], file: Path) -> tuple[str, Layout]:
    """Which network of the system public weights are of, and their layout."""
    layouts = [layout for layout in LAYOUTS if _has(weights, layout.mark)]
    for player in (GENERATOR, DISCRIMINATOR):
        for layout in layouts:
            if isinstance(getattr(system, player), layout.network):
                return player, layout
    if layouts:
        raise CheckpointError(
            f"{file}: holds a {layouts[0].network.__name__}, which the config's {type(system).__name__} has not; name "
            "the config of its vocoder"
        )
    raise CheckpointError(f"{file}: holds no network that is known ({listed(weights)}); {CURE}")


def converted(network: nn.Module, layout: Layout, weights: Mapping[str, Tensor], file: Path) -> dict[str, Tensor]:
    """Public weights by the names of our network, all of which they fill, and none of which is left over.

    Raises:
        CheckpointError: names missing or left over, or other shapes.
    """
    ours, left, state = network.state_dict(), dict(weights), {}
    for module, public in layout.pairs(network):
        names = {"bias": "bias"}
        for renamed in RENAMED:
            if all(f"{public}.{name}" in left for name in renamed):
                names |= renamed
                break
        for name, new in names.items():
            if f"{public}.{name}" in left:
                state[f"{module}.{new}"] = left.pop(f"{public}.{name}")
        if f"{module}.weight" in state and f"{module}.{NORMED}original1" in ours:  # weight norm was folded
            weight = state.pop(f"{module}.weight")
            state[f"{module}.{NORMED}original0"] = torch.norm_except_dim(weight, 2, 0)
            state[f"{module}.{NORMED}original1"] = weight
    if odd := misfits(ours, state | left):
        raise CheckpointError(
            f"{file}: does not fit the config's {type(network).__name__}: {odd}; set its sizes in the config"
        )
    return state


def load_mean_and_scale(norm: GlobalNorm, file: Path) -> None:
    """Take the statistics of parallel-wavegan: stats.npy [2, bands], the means and the standard deviations.

    Raises:
        CheckpointError: no such file, or other content.
    """
    try:
        mean, scale = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{file}: no statistics ({error}); give mean and scale as .npy, [2, bands]") from error
    if mean.shape != (norm.dim,) or scale.shape != (norm.dim,) or not (np.isfinite(mean).all() and (scale > 0).all()):
        raise CheckpointError(f"{file}: mean and scale are not {norm.dim} numbers each, the scales above 0")
    norm.load_state_dict({"mean": torch.as_tensor(mean).float(), "std": torch.as_tensor(scale).float()})
