"""A domain head: a small classifier at a hidden layer, which its gradient reaches reversed or as it is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nrsr.config import ConfigError, build, settings_from
from nrsr.nn.gradient_reversal import AlphaSchedule, scale_gradient
from nrsr.nn.losses import IGNORED

POOLINGS = ("frame", "mean")


@dataclass(frozen=True)
class HeadSettings:
    """One entry of a config's `system.heads`.

    Attributes:
        layer: the hidden layer that the head sees, 1 for the first; 0 for the last.
        labels: which entry of `data.labels` it learns; null takes the one named as the head.
        reversed: whether the trunk is trained against the head (adversarial) or with it (multi-task).
        alpha: factor on the head's gradient for the trunk, negated if reversed.
        schedule: `{class: nrsr.nn.gradient_reversal.Ramp, ...}`, the share of alpha in force; null is all of it.
        depth, width: hidden layers of the head, and units in each.
        pooling: "frame" classifies each frame; "mean" the mean of an utterance's frames.
    """

    layer: int = 0
    labels: str | None = None
    reversed: bool = True
    alpha: float = 1.0
    schedule: dict | None = None
    depth: int = 1
    width: int = 512
    pooling: str = "frame"

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ConfigError(f"heads: pooling {self.pooling!r} is not known; take one of {', '.join(POOLINGS)}")
        if self.alpha < 0:
            raise ConfigError(f"heads: alpha {self.alpha} is negative; `reversed` says which way the gradient goes")
        if self.layer < 0 or self.depth < 0 or self.width < 1:
            raise ConfigError("heads: needs layer >= 0, depth >= 0 and width >= 1")


class HeadOutput(NamedTuple):
    """A head's output for each utterance (or chunk of one) of a batch [B]; 0 where the label is not known.

    Attributes:
        losses: cross-entropy in nats, the mean over the frames.
        errors: share of the frames that are misclassified.
        known: whether there is a label, bool.
    """

    losses: Tensor
    errors: Tensor
    known: Tensor

    def loss(self) -> Tensor:
        """The mean over those with a label; a zero connected to the graph where none has one."""
        return self.losses.sum() / self.known.sum().clamp_min(1)


class DomainHead(nn.Module):
    """Classifies the domain of hidden vectors.

    Args:
        dim: size of the hidden vectors.
        classes: number of domains.
    """

    def __init__(self, dim: int, classes: int, settings: HeadSettings) -> None:
        super().__init__()
        self.settings = settings
        self.schedule = build(settings.schedule, AlphaSchedule, "heads.schedule") if settings.schedule else None
        self.share = 1.0 if self.schedule is None else self.schedule.share(0.0, 0.0)
        sizes = [dim] + [settings.width] * settings.depth
        layers: list[nn.Module] = []
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.classify = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))

    def set_progress(self, fraction: float, epoch: float) -> None:
        """Set the schedule's place: how much of the training is done (0 to 1), and how many epochs."""
        if self.schedule is not None:
            self.share = self.schedule.share(fraction, epoch)

    @property
    def factor(self) -> float:
        """The current factor on the gradient that this head sends into the trunk."""
        alpha = self.settings.alpha * self.share
        return -alpha if self.settings.reversed else alpha

    def forward(self, hidden: Tensor, valid: Tensor, labels: Tensor) -> HeadOutput:
        """Classify hidden vectors [B, M, dim].

        Args:
            valid: bool [B, M], the frames that count.
            labels: int64 [B], `IGNORED` where the domain is not known.
        """
        hidden = scale_gradient(hidden, self.factor)
        if self.settings.pooling == "mean":
            count = valid.sum(1, keepdim=True).clamp_min(1)
            # In float32: a sum over frames leaves the range of float16.
            hidden = (hidden.float().masked_fill(~valid.unsqueeze(2), 0.0).sum(1) / count).unsqueeze(1)
            valid = valid.any(1, keepdim=True)
        logits = self.classify(hidden).float()
        wanted = labels.unsqueeze(1).expand(valid.shape).masked_fill(~valid, IGNORED)
        losses = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="none")
        counted = wanted != IGNORED
        wrong = (logits.argmax(2) != wanted) & counted
        frames = counted.sum(1)
        share = 1.0 / frames.clamp_min(1)
        return HeadOutput(losses.view(counted.shape).sum(1) * share, wrong.sum(1) * share, frames > 0)


class DomainHeads(nn.ModuleDict):
    """The domain heads of a system by name.

    Args:
        specs: the config's `system.heads`: name -> `HeadSettings`.
        dims: widths of the trunk's hidden layers, the first one first.
        classes: label name -> its classes, as found in the training data.
        reserved: names of the system's other losses and criteria, which no head can have.

    Raises:
        ConfigError: a missing layer, labels that the data lack, a name taken by another loss.
    """

    def __init__(
        self,
        specs: dict[str, Any] | None,
        dims: list[int],
        classes: dict[str, list[str]],
        reserved: Collection[str] = (),
    ) -> None:
        super().__init__()
        if specs is not None and not isinstance(specs, dict):
            raise ConfigError(f"system.heads: expected `name: {{layer: 4, ...}}` lines, found {specs!r}")
        for name, spec in (specs or {}).items():
            where = f"system.heads.{name}"
            if not str(name).isidentifier() or hasattr(self, name):
                raise ConfigError(f"{where}: take another name, of letters, digits and _")
            if name in reserved:
                raise ConfigError(
                    f"{where}: a head cannot be called {name}, as another criterion is; take another name"
                )
            settings = settings_from(HeadSettings, spec, where)
            labels = settings.labels or name
            if labels not in classes:
                available = f"the data have {', '.join(classes)}" if classes else "the config's `data` has none"
                raise ConfigError(f"{where}: no labels {labels!r}; {available}; add {labels!r} to data.labels")
            if settings.layer > len(dims):
                raise ConfigError(f"{where}.layer: {settings.layer}; there are {len(dims)} hidden layers")
            self[name] = DomainHead(dims[settings.layer - 1], len(classes[labels]), settings)

    def set_progress(self, fraction: float, epoch: float) -> None:
        """Schedule the gradient reversal of every head by how much of the training is done (0 to 1), and the epochs."""
        for head in self.values():
            head.set_progress(fraction, epoch)

    def classify(
        self, wanted: set[str], hidden: list[Tensor], valid: Tensor, labels: dict[str, Tensor]
    ) -> dict[str, HeadOutput]:
        """The outputs of the `wanted` heads on hidden layers [B, M, dim] each; see `DomainHead.forward`."""
        return {
            name: head(hidden[head.settings.layer - 1], valid, self._labels(name, labels, valid))
            for name, head in self.items()
            if name in wanted
        }

    def counts(self, wanted: set[str], valid: Tensor, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """How many utterances `HeadOutput.known` will count for each of the `wanted` heads.

        Args:
            valid: bool [B], the utterances (or chunks) with at least one frame.
        """
        return {name: (valid & (self._labels(name, labels, valid) != IGNORED)).sum() for name in wanted}

    def _labels(self, name: str, labels: dict[str, Tensor], valid: Tensor) -> Tensor:
        """The labels [B] that a head learns, `IGNORED` throughout where the batch has none."""
        classes = labels.get(self[name].settings.labels or name)
        return torch.full((len(valid),), IGNORED, device=valid.device) if classes is None else classes
