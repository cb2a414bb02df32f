"""The convolutional classifier of spoken words by which WaveGAN's authors compute the inception score on SC09."""

from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.utterance_network import UtteranceNetwork


class WordClassifier(UtteranceNetwork):
    """Four blocks of batch normalisation, 5 x 5 convolution, ReLU and pooling over a log-mel image, then the class.

    The first normalisation is per mel band, the others per channel, the last per value.

    Args:
        dim: mel bands, a multiple of 16.
        labels: classes.
        frames: of an image, a multiple of 16; further ones are left out, missing ones are 0.
        width: channels of the convolutions.

    Raises:
        ConfigError: no multiples of 16.
    """

    def __init__(self, dim: int = 128, labels: int = 10, frames: int = 128, width: int = 128) -> None:
        super().__init__()
        if dim % 16 or frames % 16 or min(dim, frames) < 16:
            raise ConfigError(f"system.network: {dim} bands and {frames} frames; both must be multiples of 16")
        self.frames = frames
        self.bands = nn.BatchNorm1d(dim)
        blocks: list[nn.Module] = []
        for place in range(4):
            inside = width if place else 1
            blocks += [nn.BatchNorm2d(width)] if place else []
            blocks += [nn.Conv2d(inside, width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        self.blocks = nn.Sequential(*blocks)
        values = (dim // 16) * (frames // 16) * width
        self.norm = nn.BatchNorm1d(values)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(values, labels)

    def embed(self, features: Tensor, frames: Tensor) -> Tensor:
        images = features[:, : self.frames].transpose(1, 2)
        images = F.pad(images, (0, self.frames - images.shape[2]))
        hidden = self.blocks(self.bands(images).unsqueeze(1)).flatten(1)
        if self.training and len(hidden) == 1:
            # One utterance, such as may be left at the end of an epoch, has no variance of its own.
            norm = self.norm
            return F.batch_norm(hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        return self.norm(hidden)

    def classify(self, embeddings: Tensor) -> Tensor:
        return self.out(self.dropout(embeddings))
