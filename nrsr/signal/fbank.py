"""Mel filterbank features with Kaldi's options and numbers, batched and differentiable."""

import torch
from torch import Tensor

from nrsr.signal.extractor import FeatureExtractor
from nrsr.signal.framing import EPSILON, Framing
from nrsr.signal.mel import kaldi_bank
from nrsr.signal.mel_filters import MelFilters


class Fbank(FeatureExtractor):
    """Kaldi's compute-fbank-feats.

    Takes waveforms in ±1 and works at Kaldi's scale inside, so the numbers are those of Kaldi on 16-bit samples.
    Options have Kaldi's names, meanings and defaults, except that dither is off unless asked for.

    Args:
        sample_rate: in Hz.
        num_mel_bins, low_freq, high_freq: the filters; `high_freq` 0 or below counts from half the sampling rate.
        frame_length, frame_shift: in ms.
        window_type: "povey", "hamming", "hanning", "rectangular" or "blackman" (with `blackman_coeff`).
        snip_edges: only frames that fit into the utterance; if false, one frame per shift, with the signal
            mirrored at the utterance's ends.
        dither: standard deviation of noise added, in 16-bit steps.
        preemphasis, remove_dc_offset, round_to_power_of_two: as in Kaldi.
        use_energy: add log energy as first feature (last with `htk_compat`), taken before pre-emphasis and
            window with `raw_energy`, and at least log(energy_floor) if that is above 0.
        use_log_fbank, use_power: logarithm of the filters' outputs, power spectrum instead of magnitude.

    Raises:
        FeatureError: options that do not fit each other or the sampling rate.
    """

    def __init__(
        self,
        sample_rate: int,
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
        use_energy: bool = False,
        raw_energy: bool = True,
        energy_floor: float = 0.0,
        htk_compat: bool = False,
        use_log_fbank: bool = True,
        use_power: bool = True,
    ) -> None:
        super().__init__()
        self.framing = Framing(
            sample_rate=sample_rate,
            frame_length=frame_length,
            frame_shift=frame_shift,
            window_type=window_type,
            blackman_coeff=blackman_coeff,
            snip_edges=snip_edges,
            dither=dither,
            preemphasis=preemphasis,
            remove_dc_offset=remove_dc_offset,
            round_to_power_of_two=round_to_power_of_two,
            raw_energy=raw_energy,
            energy_floor=energy_floor,
        )
        high = high_freq if high_freq > 0.0 else sample_rate / 2 + high_freq
        bank = kaldi_bank(sample_rate, self.framing.n_fft, num_mel_bins, low_freq, high)
        self.filters = MelFilters(bank, use_power)
        self.sample_rate, self.dim = sample_rate, num_mel_bins + int(use_energy)
        self.use_energy, self.htk_compat = use_energy, htk_compat
        self.use_log_fbank = use_log_fbank

    def frames(self, lengths: Tensor) -> Tensor:
        return self.framing.frames(lengths)

    def mel_and_energy(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Outputs of the filters [B, N, num_mel_bins], and log energies [B, N] if they are used."""
        windowed, log_energy = self.framing(waves, lengths, self.use_energy)
        mel = self.filters(torch.fft.rfft(windowed))
        return mel.clamp(min=EPSILON).log() if self.use_log_fbank else mel, log_energy

    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        mel, log_energy = self.mel_and_energy(waves, lengths)
        if log_energy is None:
            return mel
        energy = log_energy.unsqueeze(-1)
        return torch.cat([mel, energy] if self.htk_compat else [energy, mel], dim=-1)
