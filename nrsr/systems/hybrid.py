"""The neural side of a hybrid recogniser: a senone network with domain heads, losses "senone" and one per head."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nrsr.config import build
from nrsr.data.features import padded_rows
from nrsr.data.frame_block import IGNORED
from nrsr.data.frames import FrameBatch, FrameDataset
from nrsr.data.inputs import FeatureInputs
from nrsr.data.output_writers import OutputError
from nrsr.data.outputs import FrameOutput, Output, SenoneOutput
from nrsr.nn import DomainHeads, FrameNetwork, GlobalNorm
from nrsr.systems.system import LossError, System

# The log prior of a senone that no frame was aligned with, so that its log-likelihood is out of every beam.
NEVER = 1e4
RESERVED = {"senone", "loss", "errors"}  # names that a domain head cannot have


class Senone(System):
    """Features with their neighbours to senone posteriors; domain heads classify hidden layers.

    "senone" is the cross-entropy in nats, averaged over frames; each head's loss has the head's name. The systems of
    the literature are heads: 17 kinds of noise, reversed (Shinohara 2016); clean against noisy at layer 4, reversed,
    in batches half clean and half noisy (Serdyuk et al. 2016); the same not reversed (multi-task); none at all.
    With loss weights of 1, network, head and trunk move as in Shinohara's paper: the trunk along the gradient of
    "senone" less alpha times the head's. The weight of a head's loss scales its own gradient as well.

    Args:
        sample_rate, input_dim, senone_counts, classes: given by the program; features per frame, frames of each
            senone in the training data, classes of each kind of label.
        network: `{class: nrsr.nn.Dnn, ...}`, a `FrameNetwork`.
        heads: name -> `HeadSettings`.

    Raises:
        ConfigError: a slot that is filled wrongly.
    """

    data = FrameDataset
    needs_units = False
    reads = FeatureInputs

    def __init__(
        self,
        sample_rate: int,
        input_dim: int,
        senone_counts: Sequence[int],
        classes: dict[str, list[str]],
        network: dict[str, Any],
        heads: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.sample_rate, self.input_dim = sample_rate, input_dim
        self.norm = GlobalNorm(input_dim)
        self.network = build(network, FrameNetwork, "system.network", input_dim=input_dim)
        self.senones = nn.Linear(self.network.dims[-1], len(senone_counts))
        self.heads = DomainHeads(heads, self.network.dims, classes, RESERVED)
        counts = torch.tensor(senone_counts, dtype=torch.float64)
        log_priors = (counts / counts.sum().clamp_min(1)).log().masked_fill(counts == 0, NEVER)
        self.register_buffer("log_priors", log_priors.float(), persistent=False)

    def set_progress(self, fraction: float, epoch: float) -> None:
        """Pass on to the heads' schedules how much of the training is done (0 to 1), and how many epochs."""
        self.heads.set_progress(fraction, epoch)

    def shared_parameters(self, turn: str) -> list[nn.Parameter]:
        """The network's parameters up to the highest layer with a head, which affect senones and heads."""
        highest = max((head.settings.layer or len(self.network.dims) for head in self.heads.values()), default=0)
        return [parameter for layer in self.network.layers[:highest] for parameter in layer.parameters()]

    def accumulate_statistics(self, features: Tensor, frames: Tensor) -> None:
        """Accumulate statistics of features [B, N, input_dim] (not of waveforms) with frame counts [B]."""
        self.norm.accumulate_statistics(features, frames)

    def losses(self, batch: FrameBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        known = {"senone", *self.heads}
        if unknown := sorted(set(wanted) - known):
            raise LossError(
                f"loss_weights: this system has no loss {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        hidden = self.network(self.norm(batch.inputs))
        outputs = self.heads.classify(set(wanted), hidden, batch.targets != IGNORED, batch.labels)
        losses = {name: output.loss() for name, output in outputs.items()}
        if "senone" in wanted:
            total, _, frames = self._classified(hidden[-1], batch.targets)
            losses["senone"] = total / frames.clamp_min(1)
        return losses

    def counts(self, batch: FrameBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Frames with a senone for "senone", chunks with a label for a domain head."""
        valid = batch.targets != IGNORED
        counts = self.heads.counts(set(wanted) & set(self.heads), valid.any(1), batch.labels)
        return counts | ({"senone": valid.sum()} if "senone" in wanted else {})

    @torch.no_grad()
    def validate(self, batch: FrameBatch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts of held-out criteria.

        "loss" is "senone" over frames, "errors" the misclassified frames; a head's loss has its name, and its share of
        classification errors that name with _errors, over chunks with a label.
        """
        hidden = self.network(self.norm(batch.inputs))
        total, wrong, frames = self._classified(hidden[-1], batch.targets)
        criteria = {"loss": (total, frames), "errors": (wrong, frames)}
        outputs = self.heads.classify(set(self.heads), hidden, batch.targets != IGNORED, batch.labels)
        for name, output in outputs.items():
            known = output.known.sum()
            criteria[name] = output.losses.sum(), known
            criteria[f"{name}_errors"] = output.errors.sum(), known
        return criteria

    def _classified(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Summed cross-entropy, misclassified frames, and frames with a senone."""
        logits = self.senones(hidden).float().flatten(0, 1)
        targets = targets.flatten()
        counted = targets != IGNORED
        total = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        return total, ((logits.argmax(1) != targets) & counted).sum(), counted.sum()

    def outputs(self) -> dict[str, Output]:
        """log p(x | senone) up to a term that does not depend on the senone; on request hidden layers and `senones`.

        log softmax less the log prior, as Kaldi's decoders read them (latgen-faster-mapped); a senone without training
        frames has about -10,000. `senones` is the most probable senone of each frame given x, an int32 vector [N].
        """
        layers = range(1, len(self.network.dims) + 1)
        return {
            "loglikes": SenoneOutput(len(self.log_priors)),
            "senones": FrameOutput(1, on_request=True),
            **{f"layer{number}": FrameOutput(1, on_request=True) for number in layers},
        }

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Tensor]]:
        if (given := inputs[0].shape[1]) != self.input_dim:
            raise OutputError(
                f"{given} values a frame with deltas, the network takes {self.input_dim}; make all features with one "
                "config"
            )
        hidden = self._hidden(inputs)
        outputs = {
            name: hidden[int(name.removeprefix("layer")) - 1].float() for name in wanted if name.startswith("layer")
        }
        if {"loglikes", "senones"} & set(wanted):
            logits = self.senones(hidden[-1]).float()
            if "loglikes" in wanted:
                outputs["loglikes"] = logits.log_softmax(1) - self.log_priors
            if "senones" in wanted:
                outputs["senones"] = logits.argmax(1).int()
        frames = [len(part) for part in inputs]
        return {name: values.cpu().split(frames) for name, values in outputs.items()}

    def _hidden(self, utterances: Sequence[np.ndarray]) -> list[Tensor]:
        """Hidden layers [sum of N, dim] of utterances, concatenated for one pass through the network.

        Each has its own edges repeated around it, and no frame sees the utterance beside its own.
        """
        rows, centres = padded_rows([len(part) for part in utterances], self.network.left, self.network.right)
        device = self.norm.mean.device
        inputs = torch.from_numpy(np.concatenate(utterances))[torch.from_numpy(rows)].to(device)
        kept = torch.from_numpy(centres - self.network.left).to(device)
        return [hidden[0, kept] for hidden in self.network(self.norm(inputs.unsqueeze(0)))]
