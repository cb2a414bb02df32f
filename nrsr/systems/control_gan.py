"""ControlGAN: a separate classifier scores whether speech has its label (Lee & Seok 2017, arXiv 1708.00598)."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.data.batch import Batch
from nrsr.nn.control_gan import SIDE, ControlGenerator, ImageCritic
from nrsr.nn.images import MelImages
from nrsr.systems.adversarial import GENERATOR, only_labels
from nrsr.systems.gan import MINIMAX
from nrsr.systems.image_gan import ImageGan

CLASSIFIER = "classifier"


class ControlGan(ImageGan):
    """Three players: the classifier learns from real data alone, the discriminator does not see labels.

    The losses are the classifier's "classification"; the discriminator's as of `Adversarial`, real and generated data
    counting alike (the paper weighs them by α and 1 - α and gives no α); and the generator's
    "adversarial", and "control", which is γ times the classifier's loss on what was generated. After each batch of the
    generator in training

        γ := clip(γ + rate (classifier's loss on generated data - expected * its loss on real data), 0, most),

    from 0 on: labels weigh more as long as the classifier finds them worse than in real data, times `expected`. γ is
    part of the system's weights, and a criterion of validations.

    Args:
        sample_rate, classes: given by the program; `data.labels` names the labels.
        samples: of a waveform.
        latent: random numbers.
        width: channels of the layers next to the images.
        rate, expected, most: of the controller.
        n_fft: samples of the transform under the log-mel bands (`MelImages`).
        objective: the slot of an `Objective`.

    Raises:
        ConfigError: no labels, or settings of the controller that cannot be.
    """

    def __init__(
        self,
        sample_rate: int,
        classes: dict[str, list[str]] | None = None,
        samples: int = 16384,
        latent: int = 100,
        width: int = 64,
        rate: float = 0.01,
        expected: float = 0.05,
        most: float = 20.0,
        n_fft: int | None = None,
        objective: dict[str, Any] = MINIMAX,
    ) -> None:
        labels = only_labels(classes, "ControlGan")
        if min(rate, expected, most) < 0:
            raise ConfigError(f"system: rate {rate}, expected {expected}, most {most}: none of them may be below 0")
        images = MelImages(sample_rate, samples, SIDE, n_fft)
        networks = ControlGenerator(len(labels), latent, width), ImageCritic(1, width)
        super().__init__(sample_rate, images, *networks, objective, classes)
        self.classifier = ImageCritic(len(labels), width)
        self.rate, self.expected, self.most = rate, expected, most
        self.register_buffer("gamma", torch.zeros(()))

    def score(self, examples: Tensor, labels: Tensor | None) -> Tensor:
        return self.discriminator(examples).squeeze(1)

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """The classifier's parameters, then those of the two players."""
        return {CLASSIFIER: list(self.classifier.parameters()), **super().turns()}

    def loss_names(self, turn: str) -> Collection[str]:
        if turn == CLASSIFIER:
            return ("classification",)
        return ("adversarial", "control") if turn == GENERATOR else super().loss_names(turn)

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if turn == CLASSIFIER and set(wanted) <= {"classification"}:
            real = self.represent(batch.waves)
            return {"classification": F.cross_entropy(self.classifier(real), batch.labels[self.kind])}
        return super().losses(batch, turn, wanted)

    def generator_losses(self, batch: Batch, labels: Tensor | None, wanted: Collection[str]) -> dict[str, Tensor]:
        fake = self.fake(self.latent_of(batch), labels)
        losses = {}
        if "adversarial" in wanted:
            losses["adversarial"] = self.objective.generator(self.score(fake, labels)).mean()
        if "control" in wanted:
            classification = F.cross_entropy(self.classifier(fake), labels)
            losses["control"] = self.gamma.clone() * classification
            if self.training:
                self._control(classification.detach(), batch, labels)
        return losses

    @torch.no_grad()
    def _control(self, fake_loss: Tensor, batch: Batch, labels: Tensor) -> None:
        """Move γ by the classifier's losses on generated and on real data; not by losses that are not finite."""
        real_loss = F.cross_entropy(self.classifier(self.represent(batch.waves)), labels)
        moved = (self.gamma + self.rate * (fake_loss - self.expected * real_loss)).clamp(0.0, self.most)
        self.gamma.copy_(torch.where(moved.isfinite(), moved, self.gamma))

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Beside the criteria of `Adversarial`: "gamma", and the classifier's accuracies.

        "accuracy" is that on real examples, "fake_accuracy" that on generated ones.
        """
        criteria, labels = super().validate(batch), self.labels_of(batch)
        count = torch.tensor(len(batch), device=labels.device)
        criteria["gamma"] = self.gamma * count, count
        examples = {"accuracy": self.represent(batch.waves), "fake_accuracy": self.fake(self.latent_of(batch), labels)}
        for name, images in examples.items():
            criteria[name] = (self.classifier(images).argmax(1) == labels).sum(), count
        return criteria
