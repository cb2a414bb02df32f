"""What all generative adversarial networks share: the two players' turns and losses, criteria, and what goes wrong."""

import math
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch
from nrsr.nn.adversarial import Objective, gradient_penalty
from nrsr.systems.generative import GenerativeSystem, check_kinds
from nrsr.systems.system import LossError

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
SHOWN = 4  # waveforms among the samples of a validation
COLLAPSED = 0.25  # diversity under which a generator is said to have collapsed
APART, GROWN = 4.0, 2.0  # distance beyond which, and growth by which, a training is said to diverge


class Adversarial(GenerativeSystem):
    """A generator against a discriminator, whose turn comes first.

    Losses of the discriminator: "adversarial", and "penalty", the gradient penalty of WGAN-GP (weight 10 in the
    paper). Loss of the generator: "adversarial". Both come from the objective, each a mean over the batch. Every loss
    is of new random numbers.

    Args:
        sample_rate, samples, classes: as of `GenerativeSystem`.
        generator: random numbers, and labels where there are any, to examples; `draw` gives the numbers.
        discriminator: examples to scores [B].
        objective: the slot of an `Objective`, `{class: nrsr.nn.adversarial.Wasserstein}`.
    """

    def __init__(
        self,
        sample_rate: int,
        samples: int,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: dict[str, Any],
        classes: dict[str, list[str]] | None = None,
    ) -> None:
        super().__init__(sample_rate, samples, classes)
        self.generator, self.discriminator = generator, discriminator
        self.objective = build(objective, Objective, "system.objective")

    @abstractmethod
    def represent(self, waves: Tensor) -> Tensor:
        """Waveforms [B, T], cut or padded, as the examples [B, ...] that the discriminator is shown."""

    @abstractmethod
    def sound(self, examples: Tensor) -> Tensor:
        """Examples [B, ...] as waveforms [B, samples]."""

    def compared(self, examples: Tensor) -> Tensor:
        """Examples as vectors [B, D] whose distances mean something to an ear; by default as they are."""
        return examples.flatten(1)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        return self.generator.draw(count, device, generator)

    def generate(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        return self.sound(self.fake(latent, labels))

    def fake(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """Generated examples [B, ...]."""
        return self.generator(latent) if labels is None else self.generator(latent, labels)

    def score(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        """The discriminator's scores [B]."""
        return self.discriminator(examples) if labels is None else self.discriminator(examples, labels)

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """The discriminator's parameters, then the generator's."""
        return {name: list(getattr(self, name).parameters()) for name in (DISCRIMINATOR, GENERATOR)}

    def loss_names(self, turn: str) -> Collection[str]:
        """The losses of a turn."""
        return ("adversarial", "penalty") if turn == DISCRIMINATOR else ("adversarial",)

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if unknown := sorted(set(wanted) - set(self.loss_names(turn))):
            known = ", ".join(self.loss_names(turn))
            raise LossError(
                f"turns.{turn}.loss_weights: {type(self).__name__} has no loss {', '.join(unknown)}; it has {known}"
            )
        labels = self.labels_of(batch)
        if turn == GENERATOR:
            return self.generator_losses(batch, labels, wanted)
        return self.discriminator_losses(batch, labels, wanted)

    def discriminator_losses(self, batch: Batch, labels: Tensor | None, wanted: Collection[str]) -> dict[str, Tensor]:
        """The `wanted` losses of the discriminator."""
        with torch.no_grad():
            real, fake = self.represent(batch.waves), self.fake(self.latent_of(batch), labels)
        losses = {}
        if "adversarial" in wanted:
            scores = self.score(real, labels), self.score(fake, labels)
            losses["adversarial"] = self.objective.discriminator(*scores).mean()
        if "penalty" in wanted:
            if any(isinstance(module, _BatchNorm) for module in self.discriminator.modules()):
                raise LossError(
                    "turns.discriminator.loss_weights: penalty is of each example by itself, and the discriminator "
                    "normalises over the batch; set system.batch_norm: false"
                )
            losses["penalty"] = gradient_penalty(lambda points: self.score(points, labels), real, fake).mean()
        return losses

    def generator_losses(self, batch: Batch, labels: Tensor | None, wanted: Collection[str]) -> dict[str, Tensor]:
        """The `wanted` losses of the generator."""
        fake = self.fake(self.latent_of(batch), labels)
        return {"adversarial": self.objective.generator(self.score(fake, labels)).mean()}

    def latent_of(self, batch: Batch) -> Tensor:
        """New random numbers for as many examples as are in a batch."""
        return self.draw(len(batch), batch.waves.device)

    def labels_of(self, batch: Batch) -> Tensor | None:
        """The classes int64 [B] of a batch; None for a system without labels."""
        return batch.labels[self.kind] if self.labels else None

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts of what says how the game goes, over as many generated examples as real ones.

        "real_score" and "fake_score" are mean scores. "diversity" is the mean distance between two generated examples
        (of one label, where there are labels) over that between two real ones: 1 is as diverse as the data, 0 says
        that all are alike. "distance" is the squared distance of the means of generated and real examples over the
        variance of the real ones: 0 says that they agree.
        """
        labels, count = self.labels_of(batch), torch.tensor(len(batch), device=batch.waves.device)
        real, fake = self.represent(batch.waves), self.fake(self.latent_of(batch), labels)
        criteria = {
            "real_score": (self.score(real, labels).sum(), count),
            "fake_score": (self.score(fake, labels).sum(), count),
        }
        real, fake = self.compared(real).double(), self.compared(fake).double()
        criteria["diversity"] = pair_distances(fake, labels), pair_distances(real, labels)
        apart = (fake.mean(0) - real.mean(0)).square().sum()
        criteria["distance"] = apart * count, real.var(0, correction=0).sum() * count
        return criteria

    def remarks(self, history: Sequence[Mapping[str, float]]) -> list[str]:
        """Says that the generator has collapsed, or that the training diverges; or that the data are all alike."""
        last, what = history[-1], f"of one {self.kind} " if self.labels else ""
        if not math.isfinite(last["fake_score"]):
            return ["divergence: generated examples, or their scores, are not finite"]
        if math.isnan(last["diversity"]):
            return [f"development data {what}do not differ from each other: are they silent, or too few?"]
        remarks = []
        if last["diversity"] < COLLAPSED:
            remarks.append(
                f"mode collapse: generated examples {what}differ by {100 * last['diversity']:.1f} % of what real ones "
                "differ by"
            )
        distances = [validation["distance"] for validation in history]
        grows = distances[-1] > GROWN * min(distances) or distances[-1] >= distances[0] and len(distances) > 1
        if distances[-1] > APART and grows:
            remarks.append(
                f"divergence: the mean of generated examples is {distances[-1]:.3g} real variances from the data's; at "
                f"first it was {distances[0]:.3g}, at best {min(distances):.3g}"
            )
        return remarks

    def samples(self, batch: Batch) -> dict[str, Tensor]:
        """Generated waveforms, of the labels of the first utterances where there are labels, and one of the data."""
        labels = self.labels_of(batch)
        shown = labels if labels is None else labels[:SHOWN]
        waves = self.generate(self.draw(SHOWN if labels is None else len(shown), batch.waves.device), shown)
        names = [""] * len(waves) if shown is None else [f"/{self.labels[label]}" for label in shown.tolist()]
        samples = {f"generated{row}{name}": wave for row, (name, wave) in enumerate(zip(names, waves, strict=True), 1)}
        return samples | {"real": self.sound(self.represent(batch.waves[:1]))[0]}


def pair_distances(examples: Tensor, labels: Tensor | None) -> Tensor:
    """The sum of the distances between any two of the examples [B, D], of one label where labels [B] are given."""
    distances = torch.cdist(examples, examples)
    if labels is not None:
        distances = distances * (labels[:, None] == labels)
    return distances.sum()


def only_labels(classes: dict[str, list[str]] | None, system: str) -> list[str]:
    """The labels of a system that cannot do without.

    Raises:
        ConfigError: there are none, or several kinds.
    """
    if not classes:
        raise ConfigError(f"data.labels: {system} needs the label of each utterance, as `word: {{file: text}}`")
    check_kinds(classes)
    return next(iter(classes.values()))
