"""A classifier of whole utterances by one label, such as the word or the emotion: the loss "ce"."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch, padded
from nrsr.data.labels import UNKNOWN
from nrsr.data.outputs import FrameOutput, Output, TextOutput, VectorOutput
from nrsr.nn import SslFeatures, UtteranceNetwork
from nrsr.nn.images import fixed
from nrsr.signal import FeatureExtractor
from nrsr.systems.system import LossError, System

LAYER = "layer"  # begins the names of outputs


class Classifier(System):
    """Waveforms to features, to the logits of one kind of label, which `data.labels` names.

    "ce" is the cross entropy in nats, a mean over the utterances that have a label. Where the features are those of an
    encoder that shows its layers, they are outputs on request, layer0 being the input of the first one.

    Args:
        sample_rate, classes: given by the program: kind of label -> its classes.
        features: `{class: ..., ...}` of a `FeatureExtractor`.
        network: `{class: ..., ...}` of an `UtteranceNetwork`.
        samples: cut or pad every waveform to so many; null takes it whole.

    Attributes:
        kind: of label.
        labels: its classes, in the order of the logits.

    Raises:
        ConfigError: not one kind of label, or a slot that is filled wrongly.
    """

    def __init__(
        self,
        sample_rate: int,
        features: dict[str, Any],
        network: dict[str, Any],
        classes: dict[str, list[str]] | None = None,
        samples: int | None = None,
    ) -> None:
        super().__init__()
        if len(classes or {}) != 1:
            raise ConfigError(
                f"data.labels: {', '.join(classes or {}) or 'none'}; a classifier learns one kind of label, as "
                "`word: {file: text}`"
            )
        ((self.kind, self.labels),) = classes.items()
        self.sample_rate, self.length = sample_rate, samples
        self.features = build(features, FeatureExtractor, "system.features", sample_rate=sample_rate)
        given = {"dim": self.features.dim, "labels": len(self.labels)}
        self.network = build(network, UtteranceNetwork, "system.network", **given)

    def images(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, N, dim] of waveforms [B, T] with lengths [B], and the frames [B] of each."""
        if self.length is not None:
            waves, lengths = fixed(waves, self.length), torch.full_like(lengths, self.length)
        return self.features(waves, lengths)

    def frame_counts(self, lengths: Tensor) -> Tensor:
        """Frames [B] of utterances of so many samples; one without a frame cannot be classified."""
        return self.features.frames(lengths if self.length is None else torch.full_like(lengths, self.length))

    def embed(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """The network's last hidden layer [B, width] for waveforms [B, T] with lengths [B]."""
        return self.network.embed(*self.images(waves, lengths))

    def forward(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, classes] of waveforms [B, T] with lengths [B]."""
        return self.network.classify(self.embed(waves, lengths))

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if unknown := sorted(set(wanted) - {"ce"}):
            raise LossError(f"loss_weights: Classifier has no loss {', '.join(unknown)}; it has ce")
        losses, known = self._losses(self(batch.waves, batch.lengths), batch)
        return {"ce": losses.sum() / known.sum().clamp_min(1)}

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Utterances with a label."""
        return {"ce": (batch.labels[self.kind] != UNKNOWN).sum()}

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts over utterances with a label: "loss" is "ce"; "accuracy" the share of right classes."""
        return self.criteria(self(batch.waves, batch.lengths), batch)

    def criteria(self, logits: Tensor, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """What `validate` gives, of logits [B, classes]."""
        losses, known = self._losses(logits, batch)
        right = (logits.argmax(1) == batch.labels[self.kind]) & known
        return {"loss": (losses.sum(), known.sum()), "accuracy": (right.sum(), known.sum())}

    def _losses(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross entropies [B], 0 where there is no label, and where there is one [B]."""
        labels = batch.labels[self.kind]
        return F.cross_entropy(logits, labels, ignore_index=UNKNOWN, reduction="none"), labels != UNKNOWN

    def outputs(self) -> dict[str, Output]:
        """The label as text; on request the posteriors of the classes, the last hidden layer, the features' layers."""
        shown = isinstance(self.features, SslFeatures) and self.length is None
        numbers = range(self.features.network.sizes.layers + 1) if shown else ()
        return {
            self.kind: TextOutput(),
            "posteriors": VectorOutput(on_request=True),
            "embedding": VectorOutput(on_request=True),
            **{f"{LAYER}{number}": FrameOutput(None, on_request=True) for number in numbers},
        }

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Any]]:
        waves, lengths = padded(inputs, next(self.network.parameters()).device)
        counts = self.frame_counts(lengths).tolist()
        if not max(counts):
            return {name: [None] * len(inputs) for name in wanted}
        values: dict[str, Sequence[Any]] = {}
        if {self.kind, "posteriors", "embedding"} & set(wanted):
            embedding = self.embed(waves, lengths)
            posteriors = self.network.classify(embedding).softmax(1)
            labels = [self.labels[number] for number in posteriors.argmax(1).tolist()]
            values = {self.kind: labels, "posteriors": posteriors, "embedding": embedding}
        if numbers := [int(name.removeprefix(LAYER)) for name in wanted if name.startswith(LAYER)]:
            layers, _ = self.features.layers(waves, lengths, last=max(numbers))
            for number in numbers:
                values[f"{LAYER}{number}"] = [row[:count] for row, count in zip(layers[number], counts, strict=True)]
        if all(counts):
            return {name: values[name] for name in wanted}
        return {
            name: [value if count else None for value, count in zip(values[name], counts, strict=True)]
            for name in wanted
        }
