"""The feed-forward network of hybrid recognisers: ReLU layers on spliced frames."""

from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.frame_network import FrameNetwork, relu_layer


class Dnn(FrameNetwork):
    """ReLU layers on each frame joined with its neighbours.

    The defaults are those of Serdyuk et al., "Invariant representations for noisy speech recognition", 2016: six
    layers of 2048 units on 11 frames.

    Args:
        input_dim: features per frame (given by the program).
        layers, width: number of hidden layers, units in each.
        left, right: frames joined with the one in the middle.
        dropout: after every layer.
        norm: None, or "batch" for batch normalisation after every layer.
    """

    def __init__(
        self,
        input_dim: int,
        layers: int = 6,
        width: int = 2048,
        left: int = 5,
        right: int = 5,
        dropout: float = 0.0,
        norm: str | None = None,
    ) -> None:
        super().__init__()
        if layers < 1 or width < 1 or left < 0 or right < 0:
            raise ConfigError("system.network: needs layers >= 1, width >= 1, left >= 0 and right >= 0")
        if norm not in (None, "batch"):
            raise ConfigError(f"system.network: norm {norm!r} is neither 'batch' nor left out")
        self.left, self.right = left, right
        self.dims = [width] * layers
        sizes = [input_dim * (left + 1 + right)] + self.dims
        self.layers = nn.ModuleList(relu_layer(*sizes[number : number + 2], dropout, norm) for number in range(layers))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        window = self.left + 1 + self.right
        # [B, M, D, window] and then oldest frame first; of a single frame (M = 1) this copies nothing.
        hidden = inputs.unfold(1, window, 1).transpose(2, 3).flatten(2)
        outputs = []
        for layer in self.layers:
            hidden = layer(hidden)
            outputs.append(hidden)
        return outputs
