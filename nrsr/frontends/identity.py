"""The front-end that does nothing: the recogniser is trained on noisy speech alone."""

from torch import Tensor

from nrsr.frontends.frontend import FrontEnd


class Identity(FrontEnd):
    """Returns waveforms unchanged; it has no parameters and no enhancement loss."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, None]:
        return waves, None
