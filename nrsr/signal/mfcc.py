"""Mel-frequency cepstral coefficients with Kaldi's options and numbers, batched and differentiable."""

import math

import torch
from torch import Tensor

from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.fbank import Fbank


def cepstrum_matrix(num_mel_bins: int, num_ceps: int, lifter: float) -> Tensor:
    """Orthonormal DCT-II of log filter outputs with the sine lifter, [num_mel_bins, num_ceps], in float64."""
    order = torch.arange(num_ceps, dtype=torch.float64)
    place = torch.arange(num_mel_bins, dtype=torch.float64).unsqueeze(1) + 0.5
    matrix = math.sqrt(2.0 / num_mel_bins) * (math.pi / num_mel_bins * place * order).cos()
    matrix[:, 0] = math.sqrt(1.0 / num_mel_bins)
    return matrix * (1.0 + 0.5 * lifter * (math.pi * order / lifter).sin()) if lifter else matrix


class Mfcc(FeatureExtractor):
    """Kaldi's compute-mfcc-feats, for waveforms in ±1.

    Args:
        num_ceps: coefficients, C0 counted.
        cepstral_lifter: length of the sine lifter; 0 for none.
        use_energy: log energy in the place of C0.
        htk_compat: energy or C0 last, C0 then times √2, as HTK does.
        others: as in `nrsr.signal.Fbank`.

    Raises:
        FeatureError: options that do not fit each other or the sampling rate.
    """

    def __init__(
        self,
        sample_rate: int,
        num_ceps: int = 13,
        cepstral_lifter: float = 22.0,
        num_mel_bins: int = 23,
        low_freq: float = 20.0,
        high_freq: float = 0.0,
        frame_length: float = 25.0,
        frame_shift: float = 10.0,
        window_type: str = "povey",
        blackman_coeff: float = 0.42,
        snip_edges: bool = True,
        dither: float = 0.0,
        preemphasis: float = 0.97,
        remove_dc_offset: bool = True,
        round_to_power_of_two: bool = True,
        use_energy: bool = True,
        raw_energy: bool = True,
        energy_floor: float = 0.0,
        htk_compat: bool = False,
    ) -> None:
        super().__init__()
        if not 1 <= num_ceps <= num_mel_bins:
            raise FeatureError(f"num_ceps {num_ceps}: must lie between 1 and num_mel_bins ({num_mel_bins})")
        self.fbank = Fbank(
            sample_rate=sample_rate,
            num_mel_bins=num_mel_bins,
            low_freq=low_freq,
            high_freq=high_freq,
            frame_length=frame_length,
            frame_shift=frame_shift,
            window_type=window_type,
            blackman_coeff=blackman_coeff,
            snip_edges=snip_edges,
            dither=dither,
            preemphasis=preemphasis,
            remove_dc_offset=remove_dc_offset,
            round_to_power_of_two=round_to_power_of_two,
            use_energy=use_energy,
            raw_energy=raw_energy,
            energy_floor=energy_floor,
        )
        self.sample_rate, self.dim, self.htk_compat = sample_rate, num_ceps, htk_compat
        self.register_buffer(
            "matrix", cepstrum_matrix(num_mel_bins, num_ceps, cepstral_lifter).float(), persistent=False
        )

    def frames(self, lengths: Tensor) -> Tensor:
        return self.fbank.frames(lengths)

    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        log_mel, log_energy = self.fbank.mel_and_energy(waves, lengths)
        cepstra = log_mel @ self.matrix
        first, rest = cepstra[..., :1], cepstra[..., 1:]
        if log_energy is not None:
            first = log_energy.unsqueeze(-1)
        elif self.htk_compat:
            first = first * math.sqrt(2.0)
        return torch.cat([rest, first] if self.htk_compat else [first, rest], dim=-1)
