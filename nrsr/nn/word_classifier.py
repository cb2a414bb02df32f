"""The convolutional classifier of spoken words by which WaveGAN's authors compute the inception score on SC09."""

from torch import Tensor, nn


class WordClassifier(nn.Module):
    """Four blocks of batch normalisation, 5 x 5 convolution, ReLU and pooling over a log-mel picture, then the class.

    The first normalisation is per mel band, the others per channel, the last per value.

    Args:
        labels: classes.
        mels, frames: of a picture; multiples of 16.
        width: channels of the convolutions.
    """

    def __init__(self, labels: int = 10, mels: int = 128, frames: int = 128, width: int = 128) -> None:
        super().__init__()
        self.bands = nn.BatchNorm1d(mels)
        blocks: list[nn.Module] = []
        for place in range(4):
            inside = width if place else 1
            blocks += [nn.BatchNorm2d(width)] if place else []
            blocks += [nn.Conv2d(inside, width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        self.blocks = nn.Sequential(*blocks)
        values = (mels // 16) * (frames // 16) * width
        self.norm = nn.BatchNorm1d(values)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(values, labels)

    def embed(self, pictures: Tensor) -> Tensor:
        """Log-mel pictures [B, mels, frames] to the last hidden layer [B, values]."""
        return self.norm(self.blocks(self.bands(pictures).unsqueeze(1)).flatten(1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Log-mel pictures [B, mels, frames] to logits [B, labels]."""
        return self.out(self.dropout(self.embed(pictures)))
