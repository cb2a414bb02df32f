"""Short-time Fourier transforms and their inverses: centred, for padded batches, and of frames inside of a signal."""

import torch
from torch import Tensor, nn

from nrsr.signal.extractor import FeatureError
from nrsr.signal.masks import zero_padding

SMALLEST_WEIGHT = 1e-3  # of a sample, the sum of squares of the windows over it


class STFT(nn.Module):
    """Centred STFT, periodic Hann window: frame n lies around sample n * hop; the signal is zero outside its ends.

    Zeros outside (where `torch.stft` reflects by default) make a zero-padded batch give the same frames
    as each utterance alone.

    Args:
        n_fft: length of the transform, even: frames of an odd one have no middle, and their number would differ.
        hop: samples between frames, at most half the window so that the inverse exists.
        win_length: length of the window, centred in the transform; `n_fft` if not given.

    Raises:
        FeatureError: an odd n_fft, or lengths that do not fit each other.
    """

    def __init__(self, n_fft: int, hop: int, win_length: int | None = None) -> None:
        super().__init__()
        if n_fft < 2 or n_fft % 2:
            raise FeatureError(f"n_fft {n_fft}: must be an even number; take {max(2, n_fft + n_fft % 2)}")
        win_length = n_fft if win_length is None else win_length
        if not 0 < win_length <= n_fft:
            raise FeatureError(f"win_length {win_length}: must lie between 1 and n_fft ({n_fft})")
        if not 0 < hop <= win_length // 2:
            raise FeatureError(f"hop {hop}: must lie between 1 and half the window ({win_length // 2})")
        self.n_fft, self.hop, self.win_length = n_fft, hop, win_length
        self.register_buffer("window", torch.hann_window(win_length), persistent=False)

    @property
    def bins(self) -> int:
        """Frequencies per frame."""
        return self.n_fft // 2 + 1

    def frames(self, lengths: Tensor | int) -> Tensor | int:
        """Number of frames of signals of so many samples; the last one's centre is at or past the last sample.

        The frame past the end keeps the inverse well-conditioned there: with half-overlapping windows the
        last samples would else be divided by a window near zero.
        """
        return (lengths + self.hop - 1) // self.hop + 1

    def forward(self, waves: Tensor) -> Tensor:
        """Complex spectra [B, F, N] of waves [B, T], which must be zero past each utterance's end."""
        waves = nn.functional.pad(waves, (0, -waves.shape[1] % self.hop))
        return torch.stft(
            waves, self.n_fft, self.hop, self.win_length, self.window, pad_mode="constant", return_complex=True
        )

    def inverse(self, spectra: Tensor, length: int) -> Tensor:
        """Waves [B, length] of complex spectra [B, F, N], by overlap-add; undoes `forward`."""
        return torch.istft(spectra, self.n_fft, self.hop, self.win_length, self.window, length=length)

    def analyse(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Complex spectra [B, N, F] of waves [B, T] by frame, and the frames [B] that overlap each utterance.

        With those frames the inverse is exact up to an utterance's last sample, whatever follows as padding.
        """
        tail = self.n_fft // 2
        spectra = self(nn.functional.pad(zero_padding(waves, lengths), (0, tail))).transpose(1, 2)
        return spectra, (lengths + tail + self.hop - 1) // self.hop

    def synthesise(self, spectra: Tensor, lengths: Tensor, samples: int) -> Tensor:
        """Waves [B, samples] of complex spectra [B, N, F], zeros past `lengths`; undoes `analyse`."""
        waves = self.inverse(spectra.transpose(1, 2), samples + self.n_fft // 2)
        return zero_padding(waves[:, :samples], lengths)


class InnerSTFT(nn.Module):
    """STFT of the frames that lie wholly in a signal, periodic Hann window: frame n begins at sample n * hop.

    Args:
        n_fft: length of the transform.
        hop: samples between frames.
        win_length: length of the window, centred in the transform.
    """

    def __init__(self, n_fft: int, hop: int, win_length: int) -> None:
        super().__init__()
        self.n_fft, self.hop, self.win_length = n_fft, hop, win_length
        self.register_buffer("window", torch.hann_window(win_length), persistent=False)

    def forward(self, waves: Tensor) -> Tensor:
        """Complex spectra [B, F, N] of waves [B, (N - 1) hop + n_fft], or up to hop - 1 samples longer."""
        return torch.stft(waves, self.n_fft, self.hop, self.win_length, self.window, center=False, return_complex=True)

    def inverse(self, spectra: Tensor, length: int) -> Tensor:
        """Waves [B, length] of complex spectra [B, F, N] by overlap-add; 0 where no window reaches.

        It undoes `forward` but for the ends, where the window is near 0.
        """
        before = (self.n_fft - self.win_length) // 2
        taper = nn.functional.pad(self.window, (before, self.n_fft - self.win_length - before)).unsqueeze(1)
        frames, count = torch.fft.irfft(spectra, self.n_fft, dim=1) * taper, spectra.shape[2]
        reached = (count - 1) * self.hop + self.n_fft

        def added(parts: Tensor) -> Tensor:
            return nn.functional.fold(parts, (1, reached), (1, self.n_fft), stride=(1, self.hop))[:, 0, 0]

        weights = added(taper.square().expand(1, -1, count))
        waves = added(frames) / weights.clamp_min(SMALLEST_WEIGHT)
        return nn.functional.pad(waves, (0, length - reached))
