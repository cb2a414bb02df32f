"""Log-mel features of the librosa type: centred STFT, Slaney's filters, natural logarithm."""

import torch
from torch import Tensor

from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.masks import zero_padding
from nrsr.signal.mel import kaldi_bank, slaney_bank
from nrsr.signal.stft import STFT


class LogMel(FeatureExtractor):
    """ln(max(mel filters · |STFT|², floor)) of waveforms in ±1; the signal is zero outside its ends.

    An utterance of T samples gives T // hop + 1 frames.

    Args:
        sample_rate: in Hz.
        n_fft, hop: transform length and frame shift, in samples.
        n_mels: number of filters.
        win_length: Hann window's length in samples, `n_fft` if not given.
        low, high: band of the filters in Hz; `high` None is half the sampling rate.
        mel_scale: "slaney" (area 1 each, as librosa) or "kaldi" (peak 1 each).
        floor: least power before the logarithm.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop: int,
        n_mels: int,
        win_length: int | None = None,
        low: float = 0.0,
        high: float | None = None,
        mel_scale: str = "slaney",
        floor: float = 1e-10,
    ) -> None:
        super().__init__()
        banks = {"slaney": slaney_bank, "kaldi": kaldi_bank}
        if mel_scale not in banks:
            raise FeatureError(f"mel_scale {mel_scale!r}: take one of {', '.join(banks)}")
        if floor <= 0:
            raise FeatureError(f"floor {floor:g}: must be above 0, for the logarithm")
        self.sample_rate, self.dim, self.floor = sample_rate, n_mels, floor
        self.stft = STFT(n_fft, hop, win_length=win_length)
        bank = banks[mel_scale](sample_rate, n_fft, n_mels, low, sample_rate / 2 if high is None else high)
        self.register_buffer("bank", torch.as_tensor(bank, dtype=torch.float32), persistent=False)

    def frames(self, lengths: Tensor) -> Tensor:
        return lengths // self.stft.hop + 1

    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        waves = zero_padding(waves, lengths)
        frames = waves.shape[1] // self.stft.hop + 1
        spectra = self.stft(waves)[:, : self.bank.shape[0], :frames].transpose(1, 2)
        power = spectra.real.square() + spectra.imag.square()
        return (power @ self.bank).clamp(min=self.floor).log()
