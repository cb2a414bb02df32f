"""Joining each frame with its neighbours, as Kaldi's splice-feats, for padded batches."""

import torch
from torch import Tensor

from nrsr.signal.masks import zero_padding


def splice(features: Tensor, frames: Tensor, left: int, right: int) -> Tensor:
    """Concatenate each frame with `left` frames before and `right` after it.

    Args:
        features: [B, N, D]; frames past an utterance's end are ignored.
        frames: [B] frames of each utterance.

    Returns:
        [B, N, (left + 1 + right) * D], oldest frame first; the first and last frame of an utterance are repeated
        outside it. Zero past its end.
    """
    spliced = neighbours(features, frames, left, right).transpose(2, 3).flatten(2)
    return zero_padding(spliced, frames)


def neighbours(features: Tensor, frames: Tensor, left: int, right: int) -> Tensor:
    """A view [B, N, D, left + 1 + right] of each frame's neighbourhood, edges repeated at the utterance's own ends."""
    places = torch.arange(-left, features.shape[1] + right, device=features.device)
    places = torch.minimum(places.clamp(min=0), (frames - 1).clamp(min=0).unsqueeze(1))
    extended = features.gather(1, places.unsqueeze(-1).expand(-1, -1, features.shape[2]))
    return extended.unfold(1, left + 1 + right, 1)
