"""What a mask network is: a representation in, one or several masks on it out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nrsr.nn.tcn import TemporalConvNet


class MaskNetwork(nn.Module, ABC):
    """The slots `system.masker` and `system.enhancer`; its first arguments, filters and masks, come from the program.

    An utterance's masks do not depend on its padding or on the rest of the batch.
    """

    @abstractmethod
    def forward(self, inputs: Tensor, frames: Tensor) -> Tensor:
        """Masks, none below 0, [B, masks, N, filters] of inputs [B, N, filters] (zeros past an utterance's frames).

        Args:
            frames: [B]; on the host, where they cost a network that needs the numbers no wait for the device. Masks
                past them are undefined.
        """


class TcnMasks(MaskNetwork):
    """The separator of Conv-TasNet with masks through a ReLU; see `TemporalConvNet` for the sizes.

    Args:
        filters, masks: given by the program.
        last_residual: also the last block has the layer of its residual path, which leads nowhere. The published
            size (5.1 M for 512 filters and two speakers) and published weights count it.

    Raises:
        ConfigError: an even kernel.
    """

    def __init__(
        self,
        filters: int,
        masks: int,
        bottleneck: int = 128,
        hidden: int = 512,
        skip: int = 128,
        kernel: int = 3,
        blocks: int = 8,
        stacks: int = 3,
        last_residual: bool = False,
    ) -> None:
        super().__init__()
        self.masks = masks
        sizes = (bottleneck, hidden, skip, kernel, blocks, stacks)
        self.network = TemporalConvNet(filters, masks * filters, *sizes, last_residual=last_residual)

    def forward(self, inputs: Tensor, frames: Tensor) -> Tensor:
        masks = self.network(inputs.transpose(1, 2), frames.to(inputs.device)).relu()
        return masks.unflatten(1, (self.masks, -1)).transpose(2, 3)
