"""What the discriminators of vocoders have in common: waveforms to feature maps and scores."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class WaveDiscriminator(nn.Module, ABC):
    """One or several networks that score waveforms, window by window."""

    @abstractmethod
    def forward(self, waves: Tensor) -> list[list[Tensor]]:
        """Waveforms [B, T] to the outputs of each network: feature maps [B, C, ...] of its layers, its scores last."""
