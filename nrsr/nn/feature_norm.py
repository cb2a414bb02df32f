"""What normalises the features of a recogniser, in the slot `norm`."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nrsr.signal.masks import valid_mask

# A feature that never changes (a digital zero) is divided by this instead of by nothing.
SMALLEST_STD = 1e-5


class FeatureNorm(nn.Module, ABC):
    """Features [B, N, dim] to normalised features of the same shape."""

    @abstractmethod
    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """Normalise [B, N, dim] with `frames` [B] in each utterance; values past them do not matter."""

    def accumulate_statistics(self, features: Tensor, frames: Tensor) -> None:
        """Accumulate statistics of the valid frames of training features; does nothing by default."""
        return


class UtteranceNorm(FeatureNorm):
    """(features - mean) / std, with mean and standard deviation of each utterance's own frames.

    It needs no statistics of the training data, and removes level and channel of a recording; an utterance must be
    whole.

    Args:
        dim: given by the program; features per frame.
        variance: divide by the standard deviation as well as subtract the mean.
    """

    def __init__(self, dim: int, variance: bool = True) -> None:
        super().__init__()
        self.dim, self.variance = dim, variance

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        # Sums over an utterance have too few digits in half precision.
        with torch.autocast(features.device.type, enabled=False):
            padding = ~valid_mask(frames, features.shape[1]).unsqueeze(2)
            count = frames.clamp_min(1).view(-1, 1, 1)
            # Counted from the first frame, features that never change are 0 exactly, without a residue of rounding.
            features = features.float() - features[:, :1].float()
            centred = features - features.masked_fill(padding, 0.0).sum(1, keepdim=True) / count
            if not self.variance:
                return centred
            variance = centred.masked_fill(padding, 0.0).square().sum(1, keepdim=True) / count
            # The floor goes on the variance: a root has no gradient at 0.
            return centred / variance.clamp_min(SMALLEST_STD**2).sqrt()
