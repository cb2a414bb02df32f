"""Mel filters applied to complex spectra, without the products with zero that a dense matrix would cost."""

import numpy as np
import torch
from torch import Tensor, nn

GROUP = 16  # filters that share one product: neighbours, which need nearly the same bins


class MelFilters(nn.Module):
    """Sums of power or magnitude under each filter; differentiable.

    Args:
        bank: weights [bins, filters], as from `nrsr.signal.mel`.
        use_power: sum powers |X|²; otherwise magnitudes |X|.
    """

    def __init__(self, bank: np.ndarray, use_power: bool) -> None:
        super().__init__()
        self.use_power = use_power
        self.ranges: list[tuple[int, int]] = []
        # A power is the sum of two squares, and squares are what the filters are applied to: each weight appears twice.
        columns = np.repeat(bank, 2, axis=0) if use_power else bank
        for number, first in enumerate(range(0, bank.shape[1], GROUP)):
            group = columns[:, first : first + GROUP]
            used = np.flatnonzero(group.any(axis=1))
            begin, end = int(used[0]), int(used[-1]) + 1
            self.ranges.append((begin, end))
            weights = torch.as_tensor(group[begin:end], dtype=torch.float32)
            self.register_buffer(f"weights{number}", weights, persistent=False)

    def forward(self, spectra: Tensor) -> Tensor:
        """Spectra [..., bins], complex, to [..., filters]."""
        parts = torch.view_as_real(spectra)
        # x * x, not x.square(): several times faster on a CPU.
        values = (parts * parts).flatten(-2) if self.use_power else magnitude(spectra)
        groups = [values[..., begin:end] @ getattr(self, f"weights{n}") for n, (begin, end) in enumerate(self.ranges)]
        return torch.cat(groups, dim=-1)


def magnitude(spectra: Tensor) -> Tensor:
    """Magnitudes whose gradient stays finite (zero) where they are zero."""
    power = spectra.real * spectra.real + spectra.imag * spectra.imag
    silent = power == 0.0
    return power.masked_fill(silent, 1.0).sqrt().masked_fill(silent, 0.0)
