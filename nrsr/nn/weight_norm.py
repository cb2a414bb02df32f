"""Weight normalisation (Salimans & Kingma, NeurIPS 2016): put on a network for training, folded for inference."""

from typing import TypeVar

from torch import nn
from torch.nn.utils import parametrizations, parametrize

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d)
Network = TypeVar("Network", bound=nn.Module)


def add_weight_norm(network: Network) -> Network:
    """Give every convolution of the network a norm and a direction in place of its weight.

    Weights are to be initialised before: afterwards `weight` is computed, and writing to its data changes nothing.
    """
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS):
            parametrizations.weight_norm(module)
    return network


def fold_weight_norm(network: Network) -> Network:
    """Make every normalised weight an ordinary one again: the same outputs, with less work."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return network
