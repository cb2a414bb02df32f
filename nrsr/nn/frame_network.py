"""What the network of a hybrid recogniser is: frames with their neighbours in, hidden layers for each frame out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nrsr.nn.dropout import Dropout


class FrameNetwork(nn.Module, ABC):
    """The slot `system.network`; `input_dim` is its first argument and comes from the program.

    The output of a frame depends on that frame's neighbourhood alone.

    Attributes:
        left, right: frames before and after a frame that its output depends on.
        layers: the hidden layers, whose parameters are all that the network has.
        dims: width of each hidden layer, the first layer first.
    """

    left: int
    right: int
    layers: nn.ModuleList
    dims: list[int]

    @abstractmethod
    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Features [B, left + M + right, D] to the M frames in the middle in each hidden layer, [B, M, dims[l]]."""


def relu_layer(inputs: int, outputs: int, dropout: float, norm: str | None) -> nn.Sequential:
    """Linear layer, ReLU, and perhaps batch normalisation and dropout, on [..., inputs].

    Weights start as in He et al., "Delving deep into rectifiers", ICCV 2015, so that six layers of ReLU let the
    variance through; with torch's own start it falls to a sixth in each of them.
    """
    linear = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    parts: list[nn.Module] = [linear, nn.ReLU()]
    if norm == "batch":
        parts.append(FrameNorm(outputs))
    if dropout:
        parts.append(Dropout(dropout))
    return nn.Sequential(*parts)


class FrameNorm(nn.BatchNorm1d):
    """Batch normalisation of [B, M, dim] over all B * M frames."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Frames [B, M, D] to the same; statistics are those of all B M frames."""
        return super().forward(hidden.flatten(0, 1)).view_as(hidden)
