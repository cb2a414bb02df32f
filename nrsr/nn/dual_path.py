"""Dual-path networks: a long sequence as chunks, modelled within the chunks and across them in turn."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn.global_layer_norm import GlobalLayerNorm
from nrsr.nn.half_overlap import half_overlapping, overlap_add
from nrsr.nn.mask_network import MaskNetwork
from nrsr.signal.masks import valid_mask


class SequencePath(nn.Module, ABC):
    """What a dual-path block has two of: a network over sequences, one within the chunks and one across them."""

    @abstractmethod
    def forward(self, sequences: Tensor, lengths: list[int] | None) -> Tensor:
        """[R, L, dim] to [R, L, dim].

        Args:
            lengths: R is a whole multiple of their number, and each is the length of that many successive rows;
                values past a length must not affect those before it. None where all rows are full.
        """


@dataclass(frozen=True)
class Chunks:
    """Which chunks of a batch belong to its utterances.

    Attributes:
        counts: chunks of each utterance, or None where all have the same number.
        within, across: 1.0 at the positions of these chunks and 0.0 at others, float32 [B, S * K] in the order of
            [S, K] and of [K, S].
    """

    counts: list[int] | None
    within: Tensor
    across: Tensor


class DualPathBlock(nn.Module):
    """y = x + norm(within(x)), then y + norm(across(y)) (Luo, Chen & Yoshioka, ICASSP 2020, section 2.2)."""

    def __init__(self, within: SequencePath, across: SequencePath, dim: int) -> None:
        super().__init__()
        self.within, self.within_norm = within, GlobalLayerNorm(dim)
        self.across, self.across_norm = across, GlobalLayerNorm(dim)

    def forward(self, inputs: Tensor, chunks: Chunks) -> Tensor:
        """[B, S, K, dim] to the same; chunks past an utterance's end are zeros and stay so."""
        hidden = self.within(inputs.flatten(0, 1), None).view(inputs.shape)
        inputs = inputs + normalised(hidden, self.within_norm, chunks.within)
        turned = inputs.transpose(1, 2).contiguous()
        hidden = self.across(turned.flatten(0, 1), chunks.counts).view(turned.shape)
        return inputs + normalised(hidden, self.across_norm, chunks.across).transpose(1, 2)


def normalised(maps: Tensor, norm: GlobalLayerNorm, valid: Tensor) -> Tensor:
    """Each utterance of [B, I, J, dim] by the statistics of its own positions, zeros elsewhere."""
    return norm(maps.flatten(1, 2).transpose(1, 2), valid).transpose(1, 2).view(maps.shape)


class DualPath(MaskNetwork):
    """Norm, bottleneck, half-overlapping chunks, dual-path blocks, overlap-add, gated output, ReLU.

    The outer parts are those of SpeechBrain's separation recipes, so that sizes and weights correspond to theirs: an
    utterance alone gives the same numbers. There the layer before the overlap-add makes all masks; here it comes
    behind, where every frame is in two chunks and gets its bias twice: half the work for the same sums. Chunks that
    a shorter utterance of a batch does not have are kept out of attention, recurrence and statistics.

    Args:
        filters, masks: given by the program.
        blocks: the dual-path blocks.
        dim: channels inside.
        chunk: frames in a chunk, an even number; about the square root of twice the usual number of frames.
    """

    def __init__(self, filters: int, masks: int, blocks: Sequence[DualPathBlock], dim: int, chunk: int) -> None:
        super().__init__()
        if chunk < 2 or chunk % 2:
            raise ConfigError(f"chunk {chunk} must be an even number of frames, at least 2")
        self.masks, self.chunk = masks, chunk
        self.norm = GlobalLayerNorm(filters)
        self.bottleneck = nn.Linear(filters, dim, bias=False)
        self.blocks = nn.ModuleList(blocks)
        self.activation = nn.PReLU()
        self.split = nn.Linear(dim, masks * dim)
        self.value, self.gate = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.out = nn.Linear(dim, filters, bias=False)

    def forward(self, inputs: Tensor, frames: Tensor) -> Tensor:
        size, hop = inputs.shape[1], self.chunk // 2
        valid = valid_mask(frames.to(inputs.device), size).to(inputs.dtype)
        hidden = self.bottleneck(self.norm(inputs.transpose(1, 2), valid).transpose(1, 2))
        counts = chunk_counts(frames.tolist(), self.chunk)
        chunks = self._chunks(counts, inputs)
        hidden = half_overlapping(F.pad(hidden, (0, 0, hop, 0)), max(counts), self.chunk)
        for block in self.blocks:
            hidden = block(hidden, chunks)
        hidden = overlap_add(self.activation(hidden))[:, hop : hop + size]
        hidden = F.linear(hidden, self.split.weight, 2.0 * self.split.bias)
        hidden = hidden.unflatten(2, (self.masks, -1)).transpose(1, 2)
        return self.out(self.value(hidden).tanh() * self.gate(hidden).sigmoid()).relu()

    def _chunks(self, counts: list[int], like: Tensor) -> Chunks:
        most = max(counts)
        valid = valid_mask(torch.tensor(counts, device=like.device), most).to(like.dtype)
        within = valid.unsqueeze(2).expand(-1, -1, self.chunk).flatten(1)
        across = valid.unsqueeze(1).expand(-1, self.chunk, -1).flatten(1)
        return Chunks(None if min(counts) == most else counts, within, across)


def chunk_counts(frames: list[int], size: int) -> list[int]:
    """Chunks of `size` for so many frames, as SpeechBrain cuts them: half a chunk of zeros before, and an even number.

    Every frame lies in two of them, and in the last there is at least one frame of zeros.
    """
    return [2 * ((count + size // 2) // size + 1) for count in frames]
