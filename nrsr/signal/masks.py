"""Masks of the valid positions of padded batches."""

import torch
from torch import Tensor


def valid_mask(lengths: Tensor, size: int) -> Tensor:
    """Boolean [B, size]: True where the position belongs to the utterance.

    Args:
        lengths: [B] number of valid positions of each utterance.
        size: length of the padded axis.
    """
    return torch.arange(size, device=lengths.device) < lengths.unsqueeze(1)


def zero_padding(sequences: Tensor, lengths: Tensor) -> Tensor:
    """`sequences` [B, N, ...] with zeros past each length, in place of any value there (NaN too)."""
    mask = valid_mask(lengths, sequences.shape[1])
    return sequences.masked_fill(~mask.reshape(*mask.shape, *[1] * (sequences.dim() - 2)), 0.0)
