"""What the driver applies to data: a system alone, or with a search after it."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nrsr.config import load_yaml
from nrsr.data.inputs import Inputs
from nrsr.data.output_writers import OutputError
from nrsr.data.outputs import Output
from nrsr.data.pieces import Pieces, piece_starts
from nrsr.errors import NrsrError
from nrsr.experiment.folder import Experiment, load
from nrsr.experiment.untrained import untrained
from nrsr.kaldi import DataDir
from nrsr.nn.weight_norm import fold_weight_norm


class ApplyError(NrsrError):
    """A system, option or utterance with which an application is not possible."""


@dataclass
class Result:
    """The result of an application for an utterance.

    Attributes:
        values: output name -> value; a missing one is not written, and `remarks` say why.
        remarks: notes for the user on the utterance, worded for several ("are too short for ...").
    """

    values: dict[str, Any]
    remarks: list[str] = field(default_factory=list)


class Application(ABC):
    """Applied to inputs by the driver, which makes one in each process.

    Attributes:
        outputs: its outputs by name.
        known: all outputs that it could have; files of those that are not among `outputs` are removed from the folder.
        step: an input may be cut into pieces at multiples of so many rows; None where it must stay whole.
    """

    outputs: dict[str, Output]
    known: dict[str, Output]
    step: int | None

    @abstractmethod
    def open(self, data: DataDir, **options: Any) -> Inputs:
        """The inputs of a data directory; options as those of `Inputs`."""

    @abstractmethod
    def apply(self, inputs: Sequence[np.ndarray]) -> list[Any]:
        """The network's outputs for each input or piece, none of them empty; `finish` takes them."""

    @abstractmethod
    def finish(self, parts: Sequence[Any], starts: Sequence[int], source: np.ndarray) -> Result:
        """The result of an input from the outputs of its pieces, which begin at these rows."""

    @abstractmethod
    def nothing(self) -> Result:
        """The result of an input without rows."""

    def whole(self, inputs: Sequence[np.ndarray]) -> list[Result]:
        """The results of inputs that go through the network together, each in one piece."""
        outputs = iter(self.apply(filled) if (filled := [given for given in inputs if len(given)]) else [])
        return [self.finish([next(outputs)], [0], given) if len(given) else self.nothing() for given in inputs]

    def by_pieces(self, source: np.ndarray, pieces: Pieces, rate: float) -> Result:
        """The result of one long input with `rate` rows a second; the network sees a piece at a time."""
        starts = piece_starts(len(source), *pieces.rows(rate), self.step)
        size, _ = pieces.rows(rate)
        return self.finish([self.apply([source[start : start + size]])[0] for start in starts], starts, source)


class SystemOutputs(Application):
    """A trained system, or one that needs no training, and some of its outputs.

    Attributes:
        config, reads: of the system; see `Experiment` and `System`.

    Args:
        wanted: names of outputs; None takes all but those on request.
        device: "cpu" or "cuda".

    Raises:
        OutputError: an output that the system does not have, or none at all.
        ApplyError: there is no GPU.
    """

    def __init__(self, experiment: Experiment, wanted: Collection[str] | None = None, device: str = "cpu"):
        check_device(device)
        self.config, self._system = experiment.config, fold_weight_norm(experiment.system.to(device).eval())
        self.reads, self.known = self._system.reads, self._system.outputs()
        if wanted is None:
            wanted = [name for name, output in self.known.items() if not output.on_request]
        if not wanted or (unknown := [name for name in wanted if name not in self.known]):
            asked = "" if not wanted else f"{', '.join(unknown)}: "
            raise OutputError(
                f"{asked}{experiment.path}: {type(self._system).__name__} outputs "
                f"{', '.join(self.known) or 'nothing'}; take another system or output"
            )
        self.outputs = {name: self.known[name] for name in wanted}
        self.step = common_step(self.outputs)

    def open(self, data: DataDir, **options: Any) -> Inputs:
        return self.reads.open(data, self.config, **options)

    def of_scp(self, scp: Path, **options: Any) -> Inputs:
        """The inputs that a list names, of a system that takes mel features."""
        return self.reads.of_scp(scp, self.config, **options)

    @torch.inference_mode()
    def apply(self, inputs: Sequence[np.ndarray]) -> list[dict[str, Any]]:
        outputs = self._system.infer(inputs, list(self.outputs))
        return [{name: on_host(outputs[name][place]) for name in self.outputs} for place in range(len(inputs))]

    def finish(self, parts: Sequence[dict[str, Any]], starts: Sequence[int], source: np.ndarray) -> Result:
        values = {}
        for name, output in self.outputs.items():
            given = [(part[name], start) for part, start in zip(parts, starts, strict=True) if part[name] is not None]
            if given:
                values[name] = output.join(*zip(*given, strict=True), source)
        if len(values) < len(self.outputs):
            lacking = ", ".join(name for name in self.outputs if name not in values)
            return Result(values, [f"are too short for {lacking} and get none"])
        return Result(values)

    def nothing(self) -> Result:
        return Result({}, [f"have no frames and get no {', '.join(self.outputs)}"])


def of_experiment(
    kind: Callable[..., Application], exp: Path, *args: Any, changes: Sequence[str] = (), **options: Any
) -> Application:
    """An application of the experiment in a folder; `functools.partial` of this can be sent to worker processes.

    Args:
        changes: of its config, see `nrsr.experiment.folder.load`.

    Raises:
        NrsrError: whatever is wrong with the experiment or the options.
    """
    return kind(load(exp, changes), *args, **options)


def of_config(kind: Callable[..., Application], path: Path, config: dict[str, Any], *args: Any) -> Application:
    """An application of a system that needs no training; `of_experiment` for a config.

    Raises:
        NrsrError: the system has parameters to be trained, or whatever is wrong with the config.
    """
    return kind(untrained(path, config), *args)


def outputs_of(
    exp: Path | None,
    config: Path | None,
    rate: Callable[[], int],
    wanted: Collection[str] | None,
    device: str,
    changes: Sequence[str] = (),
) -> tuple[Callable[[], SystemOutputs], str]:
    """What makes the `SystemOutputs` of an experiment folder or of a config, and how a log names it.

    Args:
        exp, config: one of them.
        rate: gives the samples a second for a config without `sample_rate`.
        changes: `key.inner=value` settings that replace those of the config.

    Raises:
        NrsrError: a config that cannot be read, or no rate.
    """
    running = ", ".join([device, *changes])
    if config is None:
        make = functools.partial(of_experiment, SystemOutputs, exp, wanted, device, changes=changes)
        return make, f"experiment {exp}, {running}"
    content = load_yaml(config, changes)
    if "sample_rate" not in content:
        content["sample_rate"] = rate()
    return functools.partial(of_config, SystemOutputs, config, content, wanted, device), f"config {config}, {running}"


def check_device(device: str) -> None:
    """Refuse "cuda" without a GPU.

    Raises:
        ApplyError: torch sees none.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ApplyError("--device cuda: torch sees no GPU; leave the option out, or see nrsr doctor")


def common_step(outputs: dict[str, Output]) -> int | None:
    """Rows at whose multiples all of these outputs may be cut, or None."""
    steps = [output.step for output in outputs.values()]
    return None if None in steps else lcm(*steps)


def on_host(value: Any) -> Any:
    """A tensor as an array, float32 where it is of any floating type; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    return (value.float() if value.is_floating_point() else value).cpu().numpy()
