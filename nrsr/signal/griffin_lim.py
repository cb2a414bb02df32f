"""Waveforms from magnitudes alone, by the algorithm of Griffin and Lim."""

import torch
from torch import Tensor

from nrsr.signal.stft import STFT, InnerSTFT

SMALLEST = 1e-8  # magnitude whose phase still counts


def griffin_lim(
    magnitudes: Tensor, stft: STFT | InnerSTFT, samples: int, iterations: int = 16, momentum: float = 0.0
) -> Tensor:
    """Waves [B, samples] whose spectra have nearly the magnitudes [B, F, N] (Griffin & Lim, IEEE TASSP 1984).

    Phases are 0 at first, so that the same magnitudes give the same waves. Each iteration takes the phases of the
    spectra that the waves so far have.

    Args:
        stft: its bins are F, and N its frames of so many samples.
        momentum: how much of the last change of the spectra is added (Perraudin, Balazs, Søndergaard, WASPAA 2013);
            without it, no iteration adds to the squared distance between the magnitudes.
    """
    spectra, before = torch.complex(magnitudes, torch.zeros_like(magnitudes)), None
    for _ in range(iterations):
        rebuilt = stft(stft.inverse(spectra, samples))
        moved = rebuilt if before is None or not momentum else rebuilt + momentum * (rebuilt - before)
        spectra, before = magnitudes * (moved / moved.abs().clamp_min(SMALLEST)), rebuilt
    return stft.inverse(spectra, samples)
