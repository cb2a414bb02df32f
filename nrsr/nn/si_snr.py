"""Scale-invariant signal-to-noise ratio of waveforms against references, per utterance, at any level."""

import torch
from torch import Tensor

from nrsr.signal.activity import SILENCE
from nrsr.signal.masks import zero_padding

# Beside energies of signals whose largest sample is 1, so that silence divides by something.
TINY = 1e-20


def si_snr(estimates: Tensor, references: Tensor, lengths: Tensor, limit: float = 30.0) -> Tensor:
    """SI-SNR [B] in dB, softly limited to -limit and limit.

    With x and s the estimate and the reference without their means over the utterance, and t = (<x, s> / <s, s>) s:

        SI-SNR = 10 log10((|t|² + ε |x|²) / (|x - t|² + ε |x|²)),  ε = 10^(-limit / 10)

    (Le Roux et al., ICASSP 2019; a soft limit of 30 dB as in Wisdom et al., NeurIPS 2020.) ε is relative to the
    estimate, so scaling either signal changes nothing, and no utterance far above or below the limits dominates the
    gradient of a batch. A silent reference or a silent estimate (see `levelled`) gives -limit.

    Args:
        estimates, references: [B, T]; samples past an utterance's length are not looked at.
        lengths: [B] samples of each utterance.
        limit: in dB. At 30, 10 dB is given as 9.96 dB and 20 dB as 19.57 dB; for a measure take 80.
    """
    return levelled_si_snr(levelled(estimates, lengths)[0], levelled(references, lengths)[0], limit)


def levelled_si_snr(estimates: Tensor, references: Tensor, limit: float) -> Tensor:
    """As `si_snr`, of what `levelled` makes of the signals."""
    epsilon = 10.0 ** (-limit / 10.0)
    scale = (estimates * references).sum(1) / (references.square().sum(1) + TINY)
    targets = scale.unsqueeze(1) * references
    energy = estimates.square().sum(1) + TINY
    wanted = targets.square().sum(1)
    rest = (estimates - targets).square().sum(1) + TINY
    return 10.0 * ((wanted + epsilon * energy) / (rest + epsilon * energy)).log10()


def levelled(waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Waves [B, T] without their means and with a largest sample of 1, float32, and which are silent, bool [B].

    Silent is a constant, zero or another, as `nrsr.signal.activity.is_silent` has it. Silent waves and samples
    past a length become zeros. The level counts as a constant in the derivative, which is right for what does not
    depend on it.
    """
    waves = zero_padding(waves.float(), lengths)
    centred = zero_padding(waves - (waves.sum(1) / lengths.clamp_min(1)).unsqueeze(1), lengths)
    with torch.no_grad():
        peaks = centred.abs().amax(1)
        # Not finite is not silent: it stays visible.
        silent = peaks <= SILENCE * waves.abs().amax(1)
        levels = torch.where(silent, 1.0, peaks).unsqueeze(1)
    return (centred / levels).masked_fill(silent.unsqueeze(1), 0.0), silent
