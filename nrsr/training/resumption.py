"""Resuming from last.pt: what it must hold, and how a training takes its state."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nrsr.experiment.checkpoint import (
    CheckpointError,
    load_checkpoint,
    load_weights,
    oddity,
    save_checkpoint,
)
from nrsr.experiment.differences import differences
from nrsr.experiment.frozen import whole_weights
from nrsr.experiment.generators import generator_states, restore_generators
from nrsr.training.finished import as_now
from nrsr.training.plan import Training
from nrsr.training.progress import Clock, Progress

NAME = "last.pt"
SECTIONS = {"config": dict, "data": dict, "model": dict, "optimisers": dict, "scalers": dict, "generators": list,
            "progress": dict}  # fmt: skip


def save_state(training: Training, progress: Progress, clock: Clock) -> None:
    """Write last.pt, from which the training can be resumed; called by all processes, written by the first."""
    clock.tick()
    generators = training.processes.gathered(generator_states())
    if training.processes.rank > 0:
        return
    content = {
        **training.identity,
        **training.weights(),
        **({"ema": training.ema.state()} if training.ema else {}),
        "optimisers": {turn.name: turn.optimiser.state_dict() for turn in training.turns},
        "scalers": {turn.name: turn.scaler.state_dict() for turn in training.turns},
        "generators": generators,
        "progress": asdict(progress),
    }
    save_checkpoint(training.folder / NAME, content)


def read_state(folder: Path, config: dict[str, Any]) -> dict[str, Any] | None:
    """last.pt, if there is one and it was made with this config; its progress as a `Progress`.

    Raises:
        CheckpointError: the config has changed, or the file is no good.
    """
    path = folder / NAME
    if not path.exists():
        return None
    cure = f"remove {path} to train from the start"
    state = load_checkpoint(path, cure)
    for name, kind in SECTIONS.items():
        if not isinstance(state.get(name), kind):
            fault = f"is a {type(state[name]).__name__}" if name in state else "is missing"
            raise CheckpointError(f"{path}: its section {name!r} {fault}; {cure}")
    changed = differences(as_now(state["config"], state, folder), config)
    if changed:
        raise CheckpointError(
            f"{path}: made with another config: {'; '.join(changed)}; use another --exp (--tag of a recipe), or remove "
            f"{path} to start anew"
        )
    progress = _taken(path, "progress", lambda: Progress.from_plain(state["progress"]))
    return {**state, "model": whole_weights(state, path, cure), "progress": progress}


def resume(training: Training, state: dict[str, Any]) -> Progress:
    """Give the training the state of last.pt.

    Raises:
        CheckpointError: the data or the units have changed since, or a section does not fit the training.
    """
    path = training.folder / NAME
    changed = [name for name, value in training.identity["data"].items() if state["data"].get(name) != value]
    if changed:
        raise CheckpointError(
            f"{path}: made with other data: {', '.join(changed)} changed since (ids, lengths or targets); "
            f"bring the data back, or remove {path} to start anew"
        )
    load_weights(training.system, state["model"], path)
    if training.ema:
        _taken(path, "ema", lambda: training.ema.load(state["ema"]))
    for turn in training.turns:
        optimiser, scaler = (state[name].get(turn.name) for name in ("optimisers", "scalers"))
        _taken(path, f"optimisers.{turn.name}", partial(load_optimiser, turn.optimiser, optimiser))
        _taken(path, f"scalers.{turn.name}", partial(turn.scaler.load_state_dict, scaler))
    generators, processes = state["generators"], training.processes
    if len(generators) != processes.size:
        raise CheckpointError(
            f"{path}: made by {len(generators)} processes, and {processes.size} go on; take as many, or remove it"
        )
    _taken(path, "generators", lambda: restore_generators(generators[processes.rank]))
    return state["progress"]


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a state of the same optimiser: the same settings, with values of the same kind.

    Raises:
        Exception: of many kinds, where it is none.
    """
    kinds = [_kinds(group) for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    if [_kinds(group) for group in optimiser.param_groups] != kinds:
        raise TypeError("its settings are those of another optimiser")
    for values in optimiser.state.values():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and (odd := oddity(value)):
                raise TypeError(f"{name} is {odd}")


def _kinds(group: dict[str, Any]) -> dict[str, type]:
    """The settings of a parameter group and their types; a whole number serves as a float."""
    return {name: float if type(value) is int else type(value) for name, value in group.items()}


def _taken(path: Path, section: str, take: Callable[[], Any]) -> Any:
    """What `take` makes of a section; libraries raise nearly anything on one that is not theirs."""
    try:
        return take()
    except Exception as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise CheckpointError(
            f"{path}: its section {section!r} does not fit ({type(error).__name__}: {first_line}); "
            f"remove {path} to train from the start"
        ) from error
