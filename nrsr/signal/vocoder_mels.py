"""Log-mel features of vocoders. Each published definition gives other numbers; none serves another's network."""

import torch
from torch import Tensor

from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.masks import zero_padding
from nrsr.signal.mel import slaney_bank
from nrsr.signal.mel_filters import magnitude
from nrsr.signal.stft import InnerSTFT

LOGARITHMS = {"10": Tensor.log10, "e": Tensor.log}


class VocoderMel(FeatureExtractor):
    """log(max(Slaney filters · |STFT|, floor)) of waveforms in ±1, mirrored at both ends, with a periodic Hann window.

    A vocoder generates `hop` samples for each frame; those of frame n begin at sample n hop. Centred frames lie around
    the first of these (T samples give T // hop + 1 frames), others around their middle (T // hop frames).

    Args:
        sample_rate: in Hz.
        n_fft, hop: transform length and frame shift, in samples.
        win_length: window's length in samples, `n_fft` if not given.
        n_mels: number of filters.
        low, high: band of the filters in Hz; `high` None is half the sampling rate.
        centred: whether frame n lies around sample n hop.
        logarithm: "10" or "e".
        floor: least sum under a filter before the logarithm.
        guard: added to the power before the root.

    Raises:
        FeatureError: options that do not fit each other or the sampling rate.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop: int,
        win_length: int | None = None,
        n_mels: int = 80,
        low: float = 0.0,
        high: float | None = None,
        centred: bool = True,
        logarithm: str = "10",
        floor: float = 1e-10,
        guard: float = 0.0,
    ) -> None:
        super().__init__()
        win_length, high = n_fft if win_length is None else win_length, sample_rate / 2 if high is None else high
        if not 0 < hop <= win_length <= n_fft:
            raise FeatureError(f"hop {hop}, win_length {win_length}, n_fft {n_fft}: must not fall, nor be below 1")
        if str(logarithm) not in LOGARITHMS:
            raise FeatureError(f"logarithm {logarithm!r}: take one of {', '.join(LOGARITHMS)}")
        if floor <= 0 or guard < 0:
            raise FeatureError(f"floor {floor:g}, guard {guard:g}: must be above 0, and not below 0")
        self.sample_rate, self.dim, self.hop, self.centred = sample_rate, n_mels, hop, centred
        self.low, self.high = float(low), float(high)
        self.logarithm, self.floor, self.guard = str(logarithm), float(floor), float(guard)
        self.stft = InnerSTFT(n_fft, hop, win_length)
        bank = slaney_bank(sample_rate, n_fft, n_mels, low, high)
        self.register_buffer("bank", torch.as_tensor(bank, dtype=torch.float32), persistent=False)

    @property
    def margin(self) -> int:
        """Samples mirrored before the first sample and behind the last."""
        return self.stft.n_fft // 2 if self.centred else (self.stft.n_fft - self.hop) // 2

    @property
    def silence(self) -> Tensor:
        """The features [dim] of a frame of digital silence."""
        return self.compress(self.guard**0.5 * self.bank.sum(0))

    def definition(self) -> dict[str, float | str | bool]:
        return {
            "sample_rate": self.sample_rate,
            "n_fft": self.stft.n_fft,
            "hop": self.hop,
            "win_length": self.stft.win_length,
            "n_mels": self.dim,
            "low": self.low,
            "high": self.high,
            "centred": self.centred,
            "logarithm": self.logarithm,
            "floor": self.floor,
            "guard": self.guard,
        }

    def frames(self, lengths: Tensor) -> Tensor:
        frames = (lengths + 2 * self.margin - self.stft.n_fft) // self.hop + 1
        return torch.where(lengths > 0, frames, 0).clamp_min(0)

    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        spectra = self.stft(mirror(waves, lengths, self.margin))
        return self.compress(self.magnitudes(spectra).transpose(1, 2) @ self.bank)

    def magnitudes(self, spectra: Tensor) -> Tensor:
        """Magnitudes of complex spectra, their gradient finite at 0."""
        if not self.guard:
            return magnitude(spectra)
        return (spectra.real.square() + spectra.imag.square() + self.guard).sqrt()

    def compress(self, sums: Tensor) -> Tensor:
        """Sums of magnitudes under the filters to features."""
        return LOGARITHMS[self.logarithm](sums.clamp_min(self.floor))

    def expand(self, features: Tensor) -> Tensor:
        """Features to sums of magnitudes under the filters: the inverse of `compress`."""
        return 10.0**features if self.logarithm == "10" else features.exp()


class MelGanMel(VocoderMel):
    """As the authors of MelGAN compute it: frames around the middle of their samples, whole band, log10, floor 1e-5.

    Args:
        sample_rate, n_fft, hop, n_mels: published for 22,050 Hz.
    """

    def __init__(self, sample_rate: int, n_fft: int = 1024, hop: int = 256, n_mels: int = 80) -> None:
        super().__init__(sample_rate, n_fft, hop, n_mels=n_mels, centred=False, floor=1e-5)


class ParallelWaveGanMel(VocoderMel):
    """As the maintained Parallel WaveGAN computes it: centred frames, 80 to 7,600 Hz, log10, floor 1e-10.

    Its network takes these with mean 0 and variance 1 over the training set.

    Args:
        sample_rate, n_fft, hop, win_length, n_mels, low, high: as published for LJSpeech; at 24,000 Hz n_fft is 2048,
            hop 300 and win_length 1200.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int = 1024,
        hop: int = 256,
        win_length: int | None = None,
        n_mels: int = 80,
        low: float = 80.0,
        high: float = 7600.0,
    ) -> None:
        super().__init__(sample_rate, n_fft, hop, win_length, n_mels, low, high)


class HiFiGanMel(VocoderMel):
    """As the authors of HiFi-GAN compute it: as MelGAN's, but up to 8,000 Hz, ln, floor 1e-5, 1e-9 under the root.

    Args:
        sample_rate, n_fft, hop, n_mels, high: published for 22,050 Hz.
    """

    def __init__(
        self, sample_rate: int, n_fft: int = 1024, hop: int = 256, n_mels: int = 80, high: float | None = 8000.0
    ) -> None:
        options = {"centred": False, "logarithm": "e", "floor": 1e-5, "guard": 1e-9}
        super().__init__(sample_rate, n_fft, hop, n_mels=n_mels, high=high, **options)


def mirror(waves: Tensor, lengths: Tensor, margin: int) -> Tensor:
    """Waveforms [B, T] with `margin` samples mirrored at either end of each utterance, as [B, T + 2 margin].

    The sample at an end is not repeated; a waveform shorter than the margin is mirrored again and again. What is behind
    the mirrored part of a shorter utterance does not matter.
    """
    waves = zero_padding(waves, lengths)
    places = torch.arange(-margin, waves.shape[1] + margin, device=waves.device)
    last = (lengths - 1).clamp_min(0).unsqueeze(1)
    places = places % (2 * last).clamp_min(1)
    return waves.gather(1, torch.minimum(places, 2 * last - places))
