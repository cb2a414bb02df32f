"""Scale-invariant signal-to-noise ratio of waveforms against references, per utterance."""

from torch import Tensor

from nrsr.signal.masks import zero_padding

# Energy under which a signal counts as silent: less than a hundred samples of one step of 16 bits.
SILENCE = 1e-8


def si_snr(estimates: Tensor, references: Tensor, lengths: Tensor, limit: float = 30.0) -> Tensor:
    """SI-SNR [B] in dB, softly held between -limit and limit.

    With x and s the estimate and the reference without their means over the utterance, and t = (<x, s> / <s, s>) s:

        SI-SNR = 10 log10((|t|² + ε |x|²) / (|x - t|² + ε |x|²)),  ε = 10^(-limit / 10)

    (Le Roux et al., ICASSP 2019; a soft limit of 30 dB as in Wisdom et al., NeurIPS 2020.) ε is relative to the
    estimate, so scaling either signal changes nothing, and no utterance that is solved already, or hopeless, rules a
    batch by its gradient. A silent reference or a silent estimate (energy under `SILENCE`) gives -limit.

    Args:
        estimates, references: [B, T]; samples past an utterance's length are not looked at.
        lengths: [B] samples of each utterance.
        limit: in dB. At 30, 10 dB is given as 9.96 dB and 20 dB as 19.57 dB; for a measure take 80.
    """
    epsilon = 10.0 ** (-limit / 10.0)
    estimates, references = centred(estimates, lengths), centred(references, lengths)
    scale = (estimates * references).sum(1) / (references.square().sum(1) + SILENCE)
    targets = scale.unsqueeze(1) * references
    energy = estimates.square().sum(1) + SILENCE
    wanted = targets.square().sum(1)
    rest = (estimates - targets).square().sum(1) + SILENCE
    return 10.0 * ((wanted + epsilon * energy) / (rest + epsilon * energy)).log10()


def centred(waves: Tensor, lengths: Tensor) -> Tensor:
    """float32 waves [B, T] without each utterance's mean, and zeros past its length."""
    waves = zero_padding(waves.float(), lengths)
    return zero_padding(waves - (waves.sum(1) / lengths.clamp_min(1)).unsqueeze(1), lengths)
