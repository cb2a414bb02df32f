"""SpecAugment (Park et al., Interspeech 2019): time and frequency masks on training features."""

import torch
from torch import Tensor, nn

from nrsr.signal.masks import zero_padding


class SpecAugment(nn.Module):
    """Sets random stripes of time and frequency to zero, the mean of normalised features, in training alone.

    Args:
        time_masks, time_width: number of time masks and their largest width in frames.
        time_share: no time mask is longer than this share of its utterance (`p` of the paper).
        frequency_masks, frequency_width: number of frequency masks and their largest width in bins.

    Draws come from torch's global generator, so a run that is resumed with its state repeats them.
    """

    def __init__(
        self,
        time_masks: int = 2,
        time_width: int = 40,
        time_share: float = 0.2,
        frequency_masks: int = 2,
        frequency_width: int = 8,
    ) -> None:
        super().__init__()
        self.time_masks, self.time_width, self.time_share = time_masks, time_width, time_share
        self.frequency_masks, self.frequency_width = frequency_masks, frequency_width

    def forward(self, features: Tensor, frames: Tensor) -> Tensor:
        """[B, N, D] with frame counts [B] to the same shape; padding comes out as zeros."""
        if not self.training:
            return features
        batch, size, bins = features.shape
        longest = (frames * self.time_share).clamp(max=self.time_width)
        hidden = stripes(frames, longest, self.time_masks, size).unsqueeze(2)
        whole = torch.full((batch,), bins, device=features.device)
        widest = torch.full((batch,), float(min(self.frequency_width, bins)), device=features.device)
        hidden = hidden | stripes(whole, widest, self.frequency_masks, bins).unsqueeze(1)
        return zero_padding(features.masked_fill(hidden, 0.0), frames)


def stripes(lengths: Tensor, widest: Tensor, count: int, size: int) -> Tensor:
    """Boolean [B, size]: the union of `count` random stripes per row.

    Args:
        lengths: [B] positions of each row in which a stripe may lie.
        widest: [B] largest width; widths are uniform on the whole numbers 0 to `widest`.
    """
    drawn = torch.rand(2, len(lengths), count, device=lengths.device)
    widths = (drawn[0] * (widest.floor().unsqueeze(1) + 1)).floor()
    starts = (drawn[1] * (lengths.unsqueeze(1) - widths + 1)).floor()
    positions = torch.arange(size, device=lengths.device)
    inside = (positions >= starts.unsqueeze(2)) & (positions < (starts + widths).unsqueeze(2))
    return inside.any(1)
