"""What a system is: named losses for a batch, and the parameters that each turn trains."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.config.build import find_class
from nrsr.data.batch import TrainingBatch
from nrsr.data.inputs import Inputs, WaveInputs
from nrsr.data.output_writers import OutputError
from nrsr.data.outputs import Output
from nrsr.data.training_set import TrainingSet
from nrsr.data.waveforms import WaveformDataset
from nrsr.errors import NrsrError

# Argument of a system that comes from the data -> the key of `data` that it comes with, and what that brings.
OF_THE_DATA = {"classes": ("labels", "labels"), "frame_dim": ("frames", "stored frames")}


class LossError(NrsrError):
    """A loss is asked for that the system does not have."""


class System(nn.Module, ABC):
    """The slot `system`. It defines losses; their weights, optimisers and schedules are set by the training.

    Attributes:
        data: whose batches the system takes.
        needs_units: whether its outputs are units of transcripts: it is built with their number (`vocabulary`), and
            trained with a units folder.
        reads: what the trained system is applied to.
        needs_labels: kinds of label (`data.labels`) that it cannot do without; utterances that lack one are left out.
    """

    data: type[TrainingSet] = WaveformDataset
    needs_units: bool = False
    reads: type[Inputs] = WaveInputs
    needs_labels: Collection[str] = ()

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by turn; an ordinary system has one turn, an adversarial game several.

        A step of the training goes through the turns in this order, and each calls `losses` anew, with the weights that
        the turns before it have updated.
        """
        return {"main": list(self.parameters())}

    @abstractmethod
    def losses(self, batch: TrainingBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """The `wanted` losses, unweighted, each the mean over the rows (utterances, frames) that have it.

        A loss that no row of the batch has is a zero connected to the graph. `counts` gives the number of rows of each
        mean. Further values under other names are logged as means over the batches.

        Raises:
            LossError: a name that is not a loss of this system.
        """

    def counts(self, batch: TrainingBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """The number of rows of the batch in the mean of each of the `wanted` losses; its utterances by default.

        The rows depend on the batch alone, so that they are known before `losses` is called: by them a step over
        several batches, or by several processes, weights each batch as the joined batch would.
        """
        return dict.fromkeys(wanted, len(batch))

    def shared_parameters(self, turn: str) -> list[nn.Parameter]:
        """The parameters that the tasks of a turn share, where gradients are combined; none by default."""
        return []

    def prepare(self, batches: Iterable[TrainingBatch]) -> list[str]:
        """Prepare for the first step of a training by what its first batches hold, such as a reference batch.

        Called once, with the weights that the training begins with; a training that goes on has what the buffers keep.

        Args:
            batches: of the first epoch, read as they are asked for; all processes of a training get the same.

        Returns:
            Remarks for the log; none by default.
        """
        return []

    def set_progress(self, fraction: float, epoch: float) -> None:
        """Report how much of the training is done (0 to 1), and how many epochs; called before each step.

        For schedules within the system, such as the strength of gradient reversal; does nothing by default.
        """
        return

    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate normalisation statistics of waveforms [B, T] in ±1 with lengths [B]; nothing by default."""
        return

    def samples(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Samples for TensorBoard after a validation: waveforms [T] in ±1 and images [F, N], by name; none by default.

        Called in evaluation mode with the first batch of the development data, by one process, without gradients.
        """
        return {}

    @abstractmethod
    def validate(self, batch: TrainingBatch) -> dict[str, tuple[Tensor, Tensor]]:
        """Criteria of held-out data: name to (sum over the batch, count); the caller adds them up over batches."""

    def remarks(self, history: Sequence[Mapping[str, float]]) -> list[str]:
        """Lines for the log about the criteria of all validations so far, the last one the newest; none by default.

        For what a user should not have to find in a curve, such as the collapse of a generator. An `NrsrError` ends
        the training before anything of this validation is saved.
        """
        return []

    def outputs(self) -> dict[str, Output]:
        """The outputs of the trained system when it is applied, by name; none by default."""
        return {}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Any]]:
        """Apply the system, in evaluation mode and without gradients, to some inputs or pieces of inputs.

        Args:
            inputs: what `reads` gives, on the host; none is empty.
            wanted: names among `outputs`.

        Returns:
            the wanted outputs, each with a value for each input: a tensor, an array or, for text, a string; None for
            an input that is too short for one. An input's values do not depend on the others.
        """
        raise OutputError(f"{type(self).__name__} puts nothing out: it has no outputs() and no infer()")


def system_class(config: dict[str, Any]) -> type[System]:
    """The class of the system that a config describes.

    Raises:
        ConfigError: no such class.
    """
    if "system" not in config:
        raise ConfigError("the config has no key 'system'; see egs/mini/asr/conf for a whole one")
    return find_class(config["system"], System, "system")


def build_system(
    config: dict[str, Any], vocabulary: int | None = None, metadata: dict[str, Any] | None = None
) -> System:
    """Build the system that a config describes.

    Args:
        config: a whole config; `sample_rate` and `system` are read.
        vocabulary: number of units, `<blank>` and `<sos/eos>` among them; not read where the system needs none.
        metadata: of the training data (`TrainingSet.metadata`), further arguments of the system.

    Raises:
        ConfigError: a missing key, or a class or argument that does not fit.
    """
    system = system_class(config)
    if "sample_rate" not in config:
        raise ConfigError("the config has no key 'sample_rate'; see egs/mini/asr/conf for a whole one")
    rate = config["sample_rate"]
    if isinstance(rate, bool) or not isinstance(rate, int) or rate <= 0:
        raise ConfigError(f"sample_rate: {rate!r} is no number of samples a second; give a whole one, as 8000")
    given = {"vocabulary": vocabulary} if system.needs_units else {}
    for name, (key, what) in OF_THE_DATA.items():
        if name in (metadata or {}) and name not in inspect.signature(system).parameters:
            raise ConfigError(f"data.{key}: {config['system']['class']} takes no {what}; leave them out")
    return build(config["system"], System, "system", sample_rate=rate, **given, **(metadata or {}))
