"""Fully connected generators and maxout discriminators: GAN (arXiv 1406.2661) and conditional GAN (1411.1784)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.nn.maxout import Maxout


class MlpGenerator(nn.Module):
    """Uniform z through two hidden ReLU layers to values in (0, 1).

    Args:
        outputs: values of an example.
        latent: values of z.
        width: of the hidden layers.
    """

    def __init__(self, outputs: int = 784, latent: int = 100, width: int = 1200) -> None:
        super().__init__()
        self.latent = latent
        self.layers = nn.Sequential(
            nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
        )

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Uniform z [count, latent] in (-1, 1)."""
        return 2.0 * torch.rand(count, self.latent, device=device, generator=generator) - 1.0

    def forward(self, latent: Tensor) -> Tensor:
        """z [B, latent] to examples [B, outputs]."""
        return self.layers(latent).sigmoid()


class MlpDiscriminator(nn.Module):
    """Two maxout layers, dropout before each layer (0.2 of the inputs, 0.5 of the hidden ones), to a logit.

    Args:
        inputs: values of an example.
        width, pieces: of the maxout layers.
    """

    def __init__(self, inputs: int = 784, width: int = 240, pieces: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.2),
            Maxout(inputs, width, pieces),
            nn.Dropout(0.5),
            Maxout(width, width, pieces),
            nn.Dropout(0.5),
            nn.Linear(width, 1),
        )

    def forward(self, examples: Tensor) -> Tensor:
        """Examples [B, inputs] to logits [B]."""
        return self.layers(examples).squeeze(1)


class ConditionalGenerator(nn.Module):
    """z and a label, each through a layer of its own, then one joint layer, to values in (0, 1).

    Args:
        labels: classes.
        outputs, latent: as in `MlpGenerator`.
        widths: hidden units for z, for the label, and of the joint layer.
    """

    def __init__(
        self, labels: int = 10, outputs: int = 784, latent: int = 100, widths: tuple[int, int, int] = (200, 1000, 1200)
    ) -> None:
        super().__init__()
        self.latent, self.labels = latent, labels
        of_latent, of_label, joint = widths
        self.from_latent = nn.Linear(latent, of_latent)
        self.from_label = nn.Linear(labels, of_label)
        self.joint = nn.Linear(of_latent + of_label, joint)
        self.out = nn.Linear(joint, outputs)

    def draw(self, count: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
        """Uniform z [count, latent] in (0, 1), the paper's unit hypercube."""
        return torch.rand(count, self.latent, device=device, generator=generator)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        """z [B, latent] and classes int64 [B] to examples [B, outputs]."""
        one_hot = F.one_hot(labels, self.labels).to(latent.dtype)
        hidden = torch.cat([self.from_latent(latent), self.from_label(one_hot)], dim=1).relu()
        return self.out(self.joint(hidden).relu()).sigmoid()


class ConditionalDiscriminator(nn.Module):
    """An example and a label through maxout layers of their own, then a joint one, to a logit.

    Args:
        labels: classes.
        inputs: values of an example.
        example, label, joint: (width, pieces) of the maxout layers.
    """

    def __init__(
        self,
        labels: int = 10,
        inputs: int = 784,
        example: tuple[int, int] = (240, 5),
        label: tuple[int, int] = (50, 5),
        joint: tuple[int, int] = (240, 4),
    ) -> None:
        super().__init__()
        self.labels = labels
        self.from_example = nn.Sequential(nn.Dropout(0.2), Maxout(inputs, *example))
        self.from_label = Maxout(labels, *label)
        self.out = nn.Sequential(
            nn.Dropout(0.5), Maxout(example[0] + label[0], *joint), nn.Dropout(0.5), nn.Linear(joint[0], 1)
        )

    def forward(self, examples: Tensor, labels: Tensor) -> Tensor:
        """Examples [B, inputs] and classes int64 [B] to logits [B]."""
        one_hot = F.one_hot(labels, self.labels).to(examples.dtype)
        return self.out(torch.cat([self.from_example(examples), self.from_label(one_hot)], dim=1)).squeeze(1)
