"""The temporal convolutional network of Conv-TasNet: stacks of dilated depthwise-separable convolutions."""

from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.global_layer_norm import GlobalLayerNorm
from nrsr.signal.masks import valid_mask


class TcnBlock(nn.Module):
    """1x1 convolution, PReLU, gLN, dilated depthwise convolution, PReLU, gLN, then one 1x1 convolution per path.

    Args:
        dim: channels that come in, and of the residual path.
        hidden: channels of the depthwise convolution.
        skip: channels of the skip path.
        kernel: odd length of the depthwise convolution.
        residual: False in the last block of a network, whose residual path would lead nowhere.
    """

    def __init__(self, dim: int, hidden: int, skip: int, kernel: int, dilation: int, residual: bool) -> None:
        super().__init__()
        self.widen = nn.Conv1d(dim, hidden, 1)
        self.widen_activation = nn.PReLU()
        self.widen_norm = GlobalLayerNorm(hidden)
        padding = dilation * (kernel // 2)
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, padding=padding, dilation=dilation, groups=hidden)
        self.depthwise_activation = nn.PReLU()
        self.depthwise_norm = GlobalLayerNorm(hidden)
        self.residual = nn.Conv1d(hidden, dim, 1) if residual else None
        self.skip = nn.Conv1d(hidden, skip, 1)

    def forward(self, inputs: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, dim, N] and valid [B, N] (1.0 or 0.0) to the next block's inputs and skip [B, skip, N]."""
        # The norm leaves zeros at the padding, which is what the convolution sees past an utterance's end when alone.
        hidden = self.widen_norm(self.widen_activation(self.widen(inputs)), valid)
        hidden = self.depthwise_norm(self.depthwise_activation(self.depthwise(hidden)), valid)
        following = inputs if self.residual is None else inputs + self.residual(hidden)
        return following, self.skip(hidden)


class TemporalConvNet(nn.Module):
    """The separation module of Conv-TasNet (Luo & Mesgarani 2019, section II.C), noncausal, without its sigmoid.

    The letters are the paper's.

    Args:
        input_dim: channels of the learned representation (N).
        output_dim: channels that come out: N for one mask, C N for C of them.
        bottleneck: channels between the blocks (B).
        hidden: channels inside a block (H).
        skip: channels of the skip paths (Sc).
        kernel: odd length of the depthwise convolutions (P).
        blocks: blocks of a stack (X), with dilations 1, 2, 4, ..., 2^(X - 1).
        stacks: how often the stack is repeated (R).
        last_residual: also the last block has a residual path, which leads nowhere: with it the number of parameters
            is the published one.

    Raises:
        ConfigError: an even kernel.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        bottleneck: int = 128,
        hidden: int = 512,
        skip: int = 128,
        kernel: int = 3,
        blocks: int = 8,
        stacks: int = 3,
        last_residual: bool = False,
    ) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ConfigError(f"system: kernel {kernel} of Conv-TasNet's blocks must be an odd number")
        self.norm = GlobalLayerNorm(input_dim)
        self.bottleneck = nn.Conv1d(input_dim, bottleneck, 1)
        count = stacks * blocks
        residuals = [True] * (count - 1) + [last_residual]
        self.blocks = nn.ModuleList(
            TcnBlock(bottleneck, hidden, skip, kernel, dilation=2 ** (number % blocks), residual=residuals[number])
            for number in range(count)
        )
        self.activation = nn.PReLU()
        self.out = nn.Conv1d(skip, output_dim, 1)

    def forward(self, inputs: Tensor, frames: Tensor) -> Tensor:
        """[B, input_dim, N] with frame counts [B] to [B, output_dim, N]; values past a count are undefined."""
        valid = valid_mask(frames, inputs.shape[2]).to(inputs.dtype)
        hidden, total = self.bottleneck(self.norm(inputs, valid)), 0.0
        for block in self.blocks:
            hidden, skip = block(hidden, valid)
            total = total + skip
        return self.out(self.activation(total))
