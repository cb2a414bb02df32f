"""Sinusoids of positions (Vaswani et al. 2017, section 3.5), as transformers and relative attention take them."""

import math

import torch
from torch import Tensor


def sinusoids(positions: Tensor, dim: int) -> Tensor:
    """[M, dim] for positions or distances [M]: sine and cosine in turn, from the quickest to the slowest."""
    rates = torch.exp(torch.arange(0, dim, 2, device=positions.device) * (-math.log(10000.0) / dim))
    angles = positions.unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :dim]
