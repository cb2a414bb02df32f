"""What a front-end is: a noisy waveform in, an enhanced one of the same shape out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class FrontEnd(nn.Module, ABC):
    """The slot `system.frontend`; `sample_rate` is its first argument and comes from the program.

    In evaluation the enhanced samples of an utterance do not depend on its padding or on the rest of the batch.

    Attributes:
        window: samples of the windows that it works on, where it cuts an utterance into such from the first sample on;
            long recordings are then cut at their multiples.
    """

    window: int | None = None

    @abstractmethod
    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Enhance a batch.

        Args:
            waves: [B, T] noisy samples in ±1.
            lengths: [B] samples of each utterance.
            clean: [B, T] parallel clean speech, zeros for utterances without (their losses are left out later).

        Returns:
            enhanced [B, T], and the enhancement loss [B] of each utterance against its clean speech; None where
            `clean` is None, and always None from a front-end that has no such loss.
        """

    def losses(self, waves: Tensor, lengths: Tensor, clean: Tensor) -> Tensor | None:
        """The enhancement losses of `forward` alone; one's own where they can be had without the enhanced waveform."""
        return self(waves, lengths, clean)[1]

    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate normalisation statistics of noisy waveforms; does nothing by default."""
        return
