"""Masked prediction of cluster labels: an encoder learns from speech without transcripts, as HuBERT does.

Hsu et al., "HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction of Hidden Units", TASLP 2021
(arXiv 2106.07447). That noisy speech is to predict the clusters of the clean speech is WavLM's (Chen et al., JSTSP
2022).
"""

from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch
from nrsr.nn import SslFeatures
from nrsr.signal import FeatureExtractor
from nrsr.signal.deltas import add_deltas
from nrsr.signal.masks import valid_mask
from nrsr.systems.system import LossError, System

ROUNDS = 30  # of k-means


class MaskedPrediction(System):
    """Stretches of an utterance's frames are masked, and the encoder says which cluster each masked frame is of.

    The clusters are those of k-means over `targets`, MFCCs with deltas for a first training, each value with mean 0 and
    variance 1. They are computed once, before the first step, from the first utterances of the training. A frame of the
    encoder has the cluster of that frame of the targets which lies at the same share of the utterance. Targets are
    those of the clean speech where the data have it beside a mixture.

    The loss "masked" is the cross entropy in nats, a mean over masked frames. The logits are cosines of the projected
    frame and an embedding of the cluster, divided by a temperature.

    A second training, on clusters of a layer of the first one: `targets: {class: nrsr.nn.SslFeatures, layer: 3, ...}`,
    `deltas: 0`, `init: {targets: {from: EXP, module: features}}`, `freeze: [targets]`.

    Args:
        sample_rate: given by the program.
        features: `{class: nrsr.nn.SslFeatures, ...}`, the encoder, which predicts by its last layer.
        targets: `{class: ..., ...}` of a `FeatureExtractor`; null for `nrsr.signal.Mfcc`.
        deltas: derivatives of the targets that are appended, 2 in the paper.
        clusters: 100 in the paper's first training, 500 in its second.
        fitted: the first frames of a training, to which k-means is fitted.
        start: probability that a mask starts at a frame, 0.08 in the paper.
        span: frames of a mask, 10 in the paper, where they are 20 ms apart.
        code: size of the projected frames and of the embeddings.
        temperature: of the cosines.

    Raises:
        ConfigError: an encoder with a projection or layers past the one that it gives, and values out of range.
    """

    def __init__(
        self,
        sample_rate: int,
        features: dict[str, Any],
        targets: dict[str, Any] | None = None,
        deltas: int = 2,
        clusters: int = 100,
        fitted: int = 100_000,
        start: float = 0.08,
        span: int = 10,
        code: int = 256,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        limits = {"clusters": (clusters, 2), "span": (span, 1), "code": (code, 1), "deltas": (deltas, 0)}
        for name, (value, least) in limits.items():
            if value < least:
                raise ConfigError(f"system.{name}: {value} is too small; take {least} or more")
        if not 0.0 < start <= 1.0:
            raise ConfigError(f"system.start: {start} must lie above 0, at most 1")
        if not temperature > 0:
            raise ConfigError(f"system.temperature: {temperature} must lie above 0")
        self.features = build(features, SslFeatures, "system.features", sample_rate=sample_rate)
        depth = self.features.network.sizes.layers
        if self.features.layer != depth or self.features.projection is not None:
            raise ConfigError("system.features: set layer: last, and no projection: the last layer predicts clusters")
        targets = {"class": "nrsr.signal.Mfcc"} if targets is None else targets
        self.targets = build(targets, FeatureExtractor, "system.targets", sample_rate=sample_rate).eval()
        self.deltas, self.fitted, self.start, self.span, self.temperature = deltas, fitted, start, span, temperature
        self.mask = nn.Parameter(torch.rand(self.features.network.dim))
        self.projection = nn.Linear(self.features.network.dim, code)
        self.codes = nn.Parameter(torch.randn(clusters, code))
        values = self.targets.dim * (deltas + 1)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("deviation", torch.ones(values))
        self.register_buffer("centres", torch.zeros(clusters, values))

    def train(self, mode: bool = True) -> "MaskedPrediction":
        """Training mode for all but the targets, which must not depend on dropout."""
        super().train(mode)
        self.targets.eval()
        return self

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """All parameters but those of the targets."""
        theirs = set(self.targets.parameters())
        return {"main": [parameter for parameter in self.parameters() if parameter not in theirs]}

    def frame_counts(self, lengths: Tensor) -> Tensor:
        """Frames [B] of utterances of so many samples; one without a frame is left out of the training."""
        return torch.minimum(self.features.frames(lengths), self.targets.frames(lengths))

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> list[str]:
        """Compute the clusters, unless `init` brought them.

        Raises:
            ConfigError: targets with weights that are not frozen; fewer frames than clusters.
        """
        if any(parameter.requires_grad for parameter in self.targets.parameters()):
            raise ConfigError("freeze: the targets are not trained; name them: freeze: [targets]")
        clusters = len(self.centres)
        if self.centres.any():
            return [f"masked prediction: {clusters} clusters, which came with the weights"]
        parts, count = [], 0
        for batch in batches:
            vectors, frames = self._vectors(batch)
            parts.append(vectors[valid_mask(frames, vectors.shape[1])].float().cpu())
            count += len(parts[-1])
            if count >= self.fitted:
                break
        if count < clusters:
            raise ConfigError(f"system.clusters: {clusters}, but an epoch has {count} frames of targets; take fewer")
        vectors = torch.cat(parts)[: self.fitted]
        self.mean.copy_(vectors.mean(0))
        self.deviation.copy_(vectors.std(0).clamp_min(1e-5))
        sizes = self._fit((vectors - self.mean.cpu()) / self.deviation.cpu())
        return [
            f"masked prediction: {clusters} clusters of {len(vectors)} frames, the largest of {int(sizes.max())}, the "
            f"smallest of {int(sizes.min())}"
        ]

    def _fit(self, vectors: Tensor) -> Tensor:
        """Take the centres of k-means over vectors [F, D]; the number of vectors [K] of each."""
        from scipy.cluster.vq import kmeans2  # loads scipy's spatial part, which nothing else of a training needs

        centres, labels = kmeans2(vectors.double().numpy(), len(self.centres), iter=ROUNDS, minit="++", seed=0)
        self.centres.copy_(torch.from_numpy(centres))
        return torch.bincount(torch.from_numpy(labels).long(), minlength=len(centres))

    def _vectors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The targets [B, N, D] with deltas, of the clean speech where there is some, and their frames [B]."""
        waves = batch.waves
        if batch.clean is not None:
            waves = torch.where(batch.has_clean.unsqueeze(1), batch.clean, waves)
        vectors, frames = self.targets(waves, batch.lengths)
        return add_deltas(vectors, frames, self.deltas), frames

    @torch.no_grad()
    def labels(self, batch: Batch) -> Tensor:
        """The cluster [B, N] of each frame of the encoder; what padding has means nothing."""
        vectors, counts = self._vectors(batch)
        frames = self.features.frames(batch.lengths)
        longest = int(self.features.frames(torch.tensor(batch.waves.shape[1])))
        places = torch.arange(longest, device=vectors.device) + 0.5
        places = (places * (counts / frames.clamp_min(1)).unsqueeze(1)).long()
        places = torch.minimum(places, (counts - 1).clamp_min(0).unsqueeze(1))
        chosen = vectors.gather(1, places.unsqueeze(2).expand(-1, -1, vectors.shape[2]))
        return torch.cdist((chosen - self.mean) / self.deviation, self.centres).argmin(2)

    def draw_mask(self, valid: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Which frames of valid ones [B, N] to mask, drawn on the host."""
        starts = torch.rand(valid.shape, generator=generator) < self.start
        masked = F.max_pool1d(F.pad(starts.float(), (self.span - 1, 0)), self.span, stride=1)
        return masked.bool().to(valid.device) & valid

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """The loss, and to be logged "accuracy", the share of masked frames whose cluster is predicted."""
        if unknown := sorted(set(wanted) - {"masked"}):
            raise LossError(f"loss_weights: MaskedPrediction has no loss {', '.join(unknown)}; it has masked")
        entropy, right, count = self._predicted(batch, None)
        return {"masked": entropy / count.clamp_min(1), "accuracy": right / count.clamp_min(1)}

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Frames; nearly the same share of all of them is masked in each batch."""
        return dict.fromkeys(wanted, self.features.frames(batch.lengths).sum())

    def _predicted(self, batch: Batch, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """Over the masked frames: the sum of the cross entropies, the right predictions, the number."""
        frames = self.features.frames(batch.lengths)
        masks = []

        def masked(projected: Tensor) -> Tensor:
            masks.append(self.draw_mask(valid_mask(frames, projected.shape[1]), generator))
            return torch.where(masks[0].unsqueeze(2), self.mask.to(projected.dtype), projected)

        layers, _ = self.features.layers(batch.waves, batch.lengths, change=masked)
        labels, chosen = self.labels(batch), masks[0]
        with torch.autocast(labels.device.type, enabled=False):
            codes = F.normalize(self.projection(layers[-1].float()), dim=2) @ F.normalize(self.codes, dim=1).T
            entropies = F.cross_entropy((codes / self.temperature).transpose(1, 2), labels, reduction="none")
        right = (codes.argmax(2) == labels) & chosen
        return entropies.masked_fill(~chosen, 0.0).sum(), right.sum(), chosen.sum()

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """The criteria "loss" and "accuracy" over masked frames, which are the same in every validation."""
        entropy, right, count = self._predicted(batch, torch.Generator().manual_seed(0))
        return {"loss": (entropy, count), "accuracy": (right, count)}
