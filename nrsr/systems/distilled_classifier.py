"""A classifier whose encoder learns the layers of a teacher: multi-level knowledge distillation.

Liu et al., "Multi-Level Knowledge Distillation for Speech Emotion Recognition in Noisy Conditions", Interspeech 2023
(arXiv 2312.13556). The loss of a layer is DistilHuBERT's (Chang et al., ICASSP 2022).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch
from nrsr.errors import NrsrError
from nrsr.nn import SslFeatures
from nrsr.signal.masks import valid_mask
from nrsr.systems.classifier import LAYER, Classifier
from nrsr.systems.system import LossError

LOSSES = ("ce", "l1", "cosine")
COLLAPSED = 0.01  # of `spread`; that of a trained encoder is above 0.1


class CollapseError(NrsrError):
    """The student gives the same features for all frames."""


class DistilledClassifier(Classifier):
    """The features of noisy speech as near to several layers of a teacher on the clean speech as can be.

    Losses, each a mean over the frames of utterances with clean speech, without padding, and over the levels:
        l1: mean absolute difference of the student's features and a layer of the teacher.
        cosine: -log σ(cos) of the two, the cosine over features.
        ce: cross entropy of the classes, as of `Classifier`.

    Distillation is `loss_weights: {l1: 1, cosine: λ}` with `freeze: [network]`; the paper's last stage, CE + α KD, is
    `{ce: 1, l1: α, cosine: α λ}`. The student is `features`; what it gives, its last layer say, is compared with every
    level. The paper leaves open how one output can be near to several layers: with `heads`, each level has a linear
    layer on it, as in DistilHuBERT, and without it is compared as it is.

    The teacher is a frozen part of the system (`init: {teacher: {from: EXP, module: features}}`, `freeze: [teacher]`),
    or its layers are stored and `data.frames` names the folder: `nrsr apply --exp EXP --outputs layer4,layer8`. It is
    in evaluation mode always. Classification does not run it, though model.pt holds its weights, as of any frozen part.

    Args:
        sample_rate, classes, frame_dim: given by the program; the last are the values in a stored frame.
        features, network: as of `Classifier`.
        levels: layers of the teacher.
        teacher: `{class: nrsr.nn.SslFeatures, ...}`; null where its layers are stored. Its `layer` and `projection`
            must be those of its experiment, whose weights they decide on, and do not change what is learnt of it.
        heads: a linear layer for each level.

    Raises:
        ConfigError: no teacher or two, levels that it lacks, sizes or frames that do not fit each other, layers of the
            student that would not be trained.
    """

    def __init__(
        self,
        sample_rate: int,
        features: dict[str, Any],
        network: dict[str, Any],
        levels: list[int],
        classes: dict[str, list[str]] | None = None,
        teacher: dict[str, Any] | None = None,
        heads: bool = False,
        frame_dim: int | None = None,
    ) -> None:
        super().__init__(sample_rate, features, network, classes)
        if (teacher is None) == (frame_dim is None):
            raise ConfigError(
                "system.teacher: give the teacher there, or the folder of its stored layers as data.frames; one of them"
            )
        whole = all(type(level) is int and level >= 0 for level in levels)
        if not levels or len(set(levels)) != len(levels) or not whole:
            raise ConfigError(f"system.levels: {levels!r}: give numbers of the teacher's layers, each once")
        self._check_depth()
        self.levels = list(levels)
        self.teacher = None
        if teacher is not None:
            self.teacher = build(teacher, SslFeatures, "system.teacher", sample_rate=sample_rate)
            frame_dim, depth = self.teacher.network.dim, self.teacher.network.sizes.layers
            if max(levels) > depth:
                raise ConfigError(f"system.levels: {max(levels)}: the teacher has {depth} layers")
            self._check_frames(self.teacher.eval())
        self.heads = nn.ModuleDict()
        if heads:
            self.heads.update({f"{LAYER}{level}": nn.Linear(self.features.dim, frame_dim) for level in levels})
        elif self.features.dim != frame_dim:
            raise ConfigError(
                f"system.heads: without heads the student's {self.features.dim} features are compared with the "
                f"teacher's {frame_dim}; let them have one size, or set heads: true"
            )

    def _check_depth(self) -> None:
        """Refuse a student with layers past the one that it learns by."""
        if not isinstance(self.features, SslFeatures) or self.features.layer in ("mean", "weighted"):
            return
        layer, depth = self.features.layer, self.features.network.sizes.layers
        if layer < depth:
            raise ConfigError(
                f"system.features: layer: {layer}, and sizes.layers: {depth}, of which those past layer {layer} would "
                "not be trained; set layer: last, or a smaller sizes.layers"
            )

    def _check_frames(self, teacher: SslFeatures) -> None:
        lengths = torch.arange(1, 32_000, 37)
        ours, theirs = self.features.frames(lengths), teacher.frames(lengths)
        if (ours != theirs).any():
            place = int((ours != theirs).nonzero()[0])
            raise ConfigError(
                f"system.teacher: {lengths[place]} samples are {theirs[place]} frames of the teacher and {ours[place]} "
                "of the student; give both the same convolutions"
            )

    def train(self, mode: bool = True) -> "DistilledClassifier":
        """Training mode for all but the teacher, whose targets must not depend on dropout."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """All parameters but the teacher's."""
        theirs = set() if self.teacher is None else set(self.teacher.parameters())
        return {"main": [parameter for parameter in self.parameters() if parameter not in theirs]}

    def stored_frames(self) -> list[str]:
        """What `data.frames` must hold."""
        return [f"{LAYER}{level}" for level in self.levels]

    def prepare(self, batches: Iterable[Batch]) -> list[str]:
        """Refuse a teacher that is not frozen, which the checkpoint of every epoch would hold once more.

        Raises:
            ConfigError: it is not.
        """
        listed = ", ".join(map(str, self.levels))
        if self.teacher is None:
            return [f"distils layers {listed} of a teacher, as they are stored"]
        if any(parameter.requires_grad for parameter in self.teacher.parameters()):
            raise ConfigError("freeze: the teacher is not trained; name it: freeze: [teacher]")
        return [f"distils layers {listed} of the teacher, applied to each batch's clean speech"]

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if unknown := sorted(set(wanted) - set(LOSSES)):
            raise LossError(
                f"loss_weights: {type(self).__name__} has no loss {', '.join(unknown)}; it has {', '.join(LOSSES)}"
            )
        hidden, frames = self.features(batch.waves, batch.lengths)
        losses = {}
        if "ce" in wanted:
            entropies, known = self._losses(self.network.classify(self.network.embed(hidden, frames)), batch)
            losses["ce"] = entropies.sum() / known.sum().clamp_min(1)
        if {"l1", "cosine"} & set(wanted):
            sums, count = self._distances(batch, hidden, frames)
            means = {name: value / count.clamp_min(1) for name, value in sums.items()}
            losses |= {name: value for name, value in means.items() if name in wanted}
            losses |= {name: value.detach() for name, value in means.items() if name not in LOSSES}
        return losses

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Utterances with a label; frames of utterances with clean speech."""
        frames = (self.frame_counts(batch.lengths) * self._taught(batch)).sum()
        labelled = super().counts(batch, turn, wanted)["ce"]
        return {name: labelled if name == "ce" else frames for name in wanted}

    def _taught(self, batch: Batch) -> Tensor:
        """Which utterances have clean speech, or stored layers, bool [B]."""
        return batch.has_clean if self.teacher is not None else torch.ones_like(batch.has_clean)

    @torch.no_grad()
    def targets(self, batch: Batch) -> dict[int, Tensor]:
        """The teacher's layers [B, N, D] of a batch, by level; of utterances without clean speech they mean nothing."""
        if self.teacher is None:
            return {level: batch.frames[f"{LAYER}{level}"] for level in self.levels}
        clean = torch.zeros_like(batch.waves) if batch.clean is None else batch.clean
        layers, _ = self.teacher.layers(clean, batch.lengths, last=max(self.levels))
        return {level: layers[level].float() for level in self.levels}

    def _distances(self, batch: Batch, hidden: Tensor, frames: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Sums over frames of "l1", of "cosine" and of the cosine of each level; and the number of frames."""
        valid = valid_mask(frames, hidden.shape[1]) & self._taught(batch).unsqueeze(1)
        sums: dict[str, Tensor] = {"l1": hidden.new_zeros(()), "cosine": hidden.new_zeros(())}
        with torch.autocast(hidden.device.type, enabled=False):
            for level, target in self.targets(batch).items():
                name = f"{LAYER}{level}"
                prediction = (self.heads[name](hidden.float()) if self.heads else hidden).float()
                cosines = F.cosine_similarity(prediction, target, dim=2)
                differences = (prediction - target).abs().mean(2)
                sums["l1"] = sums["l1"] + differences.masked_fill(~valid, 0.0).sum() / len(self.levels)
                softened = F.softplus(-cosines)  # -log σ
                sums["cosine"] = sums["cosine"] + softened.masked_fill(~valid, 0.0).sum() / len(self.levels)
                sums[f"similarity_{level}"] = cosines.masked_fill(~valid, 0.0).sum()
        return sums, valid.sum()

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Those of `Classifier`; "l1", "cosine"; "similarity_N", the mean cosine with layer N; and "spread".

        "spread" is the deviation of the student's features over the frames of a batch beside their root mean square: 0
        where all frames have the same features.
        """
        hidden, frames = self.features(batch.waves, batch.lengths)
        criteria = self.criteria(self.network.classify(self.network.embed(hidden, frames)), batch)
        sums, count = self._distances(batch, hidden, frames)
        values = hidden.float()[valid_mask(frames, hidden.shape[1])]
        power = values.square().mean().clamp_min(1e-20)
        spread = ((values - values.mean(0)).square().mean() / power).sqrt()
        rows = frames.sum()
        return criteria | {name: (value, count) for name, value in sums.items()} | {"spread": (spread * rows, rows)}

    def remarks(self, history: Sequence[Mapping[str, float]]) -> list[str]:
        """None; but a collapse ends the training.

        Raises:
            CollapseError: the features are nearly the same for all frames.
        """
        spread = history[-1]["spread"]
        if not spread < COLLAPSED:
            return []
        raise CollapseError(
            f"the student has collapsed: its features vary over frames by {spread:.5f} of their size; train anew with "
            "a lower optimiser.lr, a longer warm-up, or a larger weight of the loss cosine"
        )
